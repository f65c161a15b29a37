namespace BitTreeAlloc.Os;

/// <summary>The calls towards the operating system that can be counted, logged and made to fail.</summary>
public enum VmVerb
{
    /// <summary><see cref="IVirtualMemory.Reserve"/>.</summary>
    Reserve,

    /// <summary><see cref="IVirtualMemory.Commit"/>.</summary>
    Commit,

    /// <summary><see cref="IVirtualMemory.Purge"/>.</summary>
    Purge,

    /// <summary><see cref="IVirtualMemory.Release"/>.</summary>
    Release,

    /// <summary><see cref="IVirtualMemory.Advise"/>.</summary>
    Advise,

    /// <summary><see cref="IVirtualMemory.PurgeLazily"/>.</summary>
    PurgeLazily,

    /// <summary><see cref="IVirtualMemory.MovePages"/>.</summary>
    MovePages,

    /// <summary><see cref="IVirtualMemory.CommitHuge"/>.</summary>
    CommitHuge,

    /// <summary><see cref="IVirtualMemory.DropHuge"/>.</summary>
    DropHuge,
}

/// <summary>One call that a <see cref="SimulatedVirtualMemory"/> answered.</summary>
/// <param name="Verb">What was asked.</param>
/// <param name="Address">Where: the caller's address, or the one a Reserve returned (0 where it failed).</param>
/// <param name="Bytes">How many bytes.</param>
/// <param name="Status">The answer.</param>
/// <param name="To">Where the pages of a MovePages were to go; 0 for every other verb.</param>
public readonly record struct VmCall(VmVerb Verb, nuint Address, nuint Bytes, VmStatus Status, nuint To = 0);
