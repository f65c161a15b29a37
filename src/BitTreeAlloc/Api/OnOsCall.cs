namespace BitTreeAlloc;

/// <summary>What a sealed allocator does with a call to the operating system that it would have to make.</summary>
public enum OnOsCall
{
    /// <summary>Makes it, and counts it in <see cref="AllocatorStatistics.SealBrokenCalls"/>.</summary>
    Count = 1,

    /// <summary>Does not make it, and counts it: the allocation fails with <see cref="AllocError.Sealed"/>; a free succeeds and keeps its memory for the next user.</summary>
    Refuse,

    /// <summary>Ends the process at once, with a message that names the call (<see cref="Environment.FailFast(string)"/>).</summary>
    FailFast,
}
