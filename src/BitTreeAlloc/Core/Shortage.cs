using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the ladder when the system refuses a direct mapping: what the caller's cache and the recyclers hold goes home, free pages go back, and the system is asked once more.
/// Invariants: a request fails only after the ladder. Callers: the Api, holding nothing. Checked by: capacity tests on the simulated system.
/// </summary>
internal static unsafe class Shortage<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A direct mapping; <paramref name="record"/> is the caller's cache.</summary>
    public static ulong AllocDirect(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out Outcome outcome)
    {
        var address = DirectMappings<TAtomics>.Alloc(heap, size, alignment, out outcome);
        if (address != 0 || outcome != Outcome.CommitRefused)
            return address;
        if (record != null && !CacheSlowPath<TAtomics, TGeometry>.TryFlushForShortage(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        return Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue) == 0 ? 0 : DirectMappings<TAtomics>.Alloc(heap, size, alignment, out outcome);
    }
}
