using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the ladder when the system or the hard limit refuses a direct mapping: what the caller's cache (flush) and the recyclers (drain) hold goes home, free pages go back (purge), and the mapping
/// is tried once more.
/// Invariants: a request fails only after the ladder. Callers: the Api, holding nothing. Checked by: capacity and limit tests on the simulated system.
/// </summary>
internal static unsafe class Shortage<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A direct mapping; <paramref name="record"/> is the caller's cache.</summary>
    public static ulong AllocDirect(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out Outcome outcome)
    {
        var bytes = DirectMappings<TAtomics>.UsableSize(size);
        PurgePolicy<TAtomics, TGeometry>.TrySweepToSoft(heap, record, bytes, 0);
        var address = DirectMappings<TAtomics>.Alloc(heap, size, alignment, out outcome);
        if (address != 0 || outcome is not (Outcome.CommitRefused or Outcome.LimitReached))
            return address;
        if (record != null && !CacheSlowPath<TAtomics, TGeometry>.TryFlushForShortage(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, outcome == Outcome.LimitReached ? Limits<TAtomics>.SweepTarget(heap, bytes) : 0);
        return DirectMappings<TAtomics>.Alloc(heap, size, alignment, out outcome);
    }
}
