using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>How a mutant weakens one site.</summary>
public enum WeakeningKind
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>The order becomes relaxed.</summary>
    Relaxed,

    /// <summary>The release half goes: acquire-release becomes acquire.</summary>
    NoRelease,

    /// <summary>The acquire half goes: acquire-release becomes release.</summary>
    NoAcquire,

    /// <summary>A read-modify-write becomes a load and a store.</summary>
    Split,

    /// <summary>The operation is left out (a fence, or a store).</summary>
    Dropped,
}

/// <summary>One weakened site.</summary>
/// <param name="Site">The site.</param>
/// <param name="Kind">How.</param>
public readonly record struct SiteWeakening(Site Site, WeakeningKind Kind)
{
    /// <summary>Nothing is weakened.</summary>
    public static SiteWeakening None => default;

    internal MemoryOrder Apply(Site site, MemoryOrder order) =>
        Kind == WeakeningKind.None || site != Site ? order : (Kind, order) switch
        {
            (WeakeningKind.Relaxed, not MemoryOrder.Plain) => MemoryOrder.Relaxed,
            (WeakeningKind.NoRelease, MemoryOrder.AcqRel) => MemoryOrder.Acquire,
            (WeakeningKind.NoRelease, MemoryOrder.Release) => MemoryOrder.Relaxed,
            (WeakeningKind.NoAcquire, MemoryOrder.AcqRel) => MemoryOrder.Release,
            (WeakeningKind.NoAcquire, MemoryOrder.Acquire) => MemoryOrder.Relaxed,
            _ => order,
        };

    internal bool Is(Site site, WeakeningKind kind) => Kind == kind && site == Site;
}
