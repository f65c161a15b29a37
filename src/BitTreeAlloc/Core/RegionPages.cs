using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the calls to the system for the pages of a region that the caller holds.
/// Invariants: I-Q9 a commit that was refused changes no word's meaning: what it left accessible is committed again later. Callers: Regions, RegionPurge; holding the region. Checked by: failing calls at the k-th.
/// </summary>
internal static unsafe class RegionPages<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Commits a region up to <paramref name="units"/> units.</summary>
    public static VmStatus Commit(Heap* heap, ulong start, ref RegionWord held, ulong units)
    {
        var from = start + (held.Committed << RegionWord.UnitShift);
        var status = HeapOs<TAtomics>.Commit(heap, (void*)from, (units - held.Committed) << RegionWord.UnitShift);
        if (status == VmStatus.Ok)
            held = held.WithCommitted(units, held.IsHuge);
        return status;
    }

    /// <summary>Gives the pages of units [first, end) back. False: they stay, and the word as it was.</summary>
    public static bool Purge(Heap* heap, ulong start, ref RegionWord held, ulong first, ulong end)
    {
        var status = HeapOs<TAtomics>.Purge(heap, (void*)(start + (first << RegionWord.UnitShift)), (end - first) << RegionWord.UnitShift);

        // Given back, and perhaps not committed any more (Windows): the next user commits again.
        if (status == VmStatus.CommitRefused)
            held = held.WithCommitted(first, held.IsHuge);
        return status is VmStatus.Ok or VmStatus.CommitRefused;
    }
}
