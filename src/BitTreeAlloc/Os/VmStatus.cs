namespace BitTreeAlloc.Os;

/// <summary>What the operating system answered. A status other than <see cref="Ok"/> means that nothing changed, but for what the verb's own remarks say.</summary>
public enum VmStatus
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>No address space of that size and alignment is left (a limit on addresses, or fragmentation).</summary>
    AddressSpaceExhausted,

    /// <summary>The system refuses to back the pages (commit limit, RLIMIT_DATA, RLIMIT_AS, container limit).</summary>
    CommitRefused,

    /// <summary>The number of mappings of the process is exhausted.</summary>
    TooManyMappings,

    /// <summary>The system cannot do it here. Reserve, commit and release never answer so.</summary>
    NotSupported,

    /// <summary>An argument was not page-aligned or outside a reservation: a bug of the caller.</summary>
    Invalid,

    /// <summary>The call was not made: the allocator is sealed (<see cref="BitTreeAllocator.Seal"/>).</summary>
    Sealed,
}

/// <summary>Advice that changes cost, never contents.</summary>
public enum VmAdvice
{
    /// <summary>Back the range with huge pages where possible.</summary>
    HugePages,

    /// <summary>Never back the range with huge pages.</summary>
    NoHugePages,

    /// <summary>Fault the pages in now, in one call.</summary>
    Populate,

    /// <summary>A child process does not inherit the range.</summary>
    DontFork,
}
