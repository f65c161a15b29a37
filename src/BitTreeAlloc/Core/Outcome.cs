using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what an operation of the core came to. The Api turns it into a reason or an exception; the core never throws.
/// </summary>
internal enum Outcome
{
    Ok = 0,

    /// <summary>No address space for another stretch, magazine arena or mapping.</summary>
    AddressSpaceExhausted,

    /// <summary>The system refused to back pages.</summary>
    CommitRefused,

    /// <summary>The process has no mappings left.</summary>
    TooManyMappings,

    /// <summary>More would exceed the hard limit that the user set.</summary>
    LimitReached,

    /// <summary>It needs a call to the system, and the heap is sealed.</summary>
    Sealed,

    /// <summary>Another thread is inside a slow path of the same cache.</summary>
    CacheMisused,

    /// <summary>Not the start of a slot that is out.</summary>
    InvalidPointer,

    /// <summary>The slot's bit was set already, or it stood twice in a magazine.</summary>
    DoubleFree,

    /// <summary>The slot belongs to another class than the size given to Free says.</summary>
    WrongSize,
}

internal static class Outcomes
{
    /// <summary>The outcome of a call to the system.</summary>
    public static Outcome From(VmStatus status) => status switch
    {
        VmStatus.Ok => Outcome.Ok,
        VmStatus.AddressSpaceExhausted => Outcome.AddressSpaceExhausted,
        VmStatus.TooManyMappings => Outcome.TooManyMappings,
        VmStatus.Sealed => Outcome.Sealed,
        _ => Outcome.CommitRefused,
    };
}
