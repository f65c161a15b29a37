using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the calls to the system for the pages of a region that the caller holds: committed, from the pool of huge pages where the policy says so and there are some, and purged.
/// Invariants: I-Q9 a commit that was refused changes no word's meaning: what it left accessible is committed again later. I-Q13 a region's pages come all from the pool or none; from the pool they are
/// resident, so touched = committed, and they go back to it only all at once.
/// Callers: Regions, RegionPurge; holding the region. Checked by: failing calls at the k-th; the matrix of huge page modes.
/// </summary>
internal static unsafe class RegionPages<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Commits a region up to <paramref name="units"/> units.</summary>
    public static VmStatus Commit(Heap* heap, ulong start, ref RegionWord held, ulong units)
    {
        var from = start + (held.Committed << RegionWord.UnitShift);
        var bytes = (units - held.Committed) << RegionWord.UnitShift;
        if ((held.Committed == 0 && HugePool<TAtomics>.IsWanted(heap)) || held.IsHuge)
        {
            if (HugePool<TAtomics>.TryCommit(heap, from, bytes, out var giants))
            {
                held = held.WithCommitted(units, huge: true, held.Giants + giants);
                return VmStatus.Ok;
            }

            if (held.IsHuge)
                return VmStatus.CommitRefused;
        }

        var status = HeapOs<TAtomics>.Commit(heap, (void*)from, bytes);
        if (status == VmStatus.Ok)
            held = held.WithCommitted(units, huge: false);
        return status;
    }

    /// <summary>Gives the pages of units [first, touched) back. False: they stay, and the word as it was. <paramref name="isLazy"/>: the system takes them when it is short.</summary>
    public static bool Purge(Heap* heap, RegionRef region, ref RegionWord held, ulong first, out bool isLazy)
    {
        isLazy = false;
        if (held.IsHuge)
        {
            var bytes = held.Committed << RegionWord.UnitShift;
            if (first != 0 || !HugePool<TAtomics>.TryDrop(heap, region.Start, bytes, held.Giants))
                return false;

            // The range was mapped anew, without the advice that its area was given: the next user may get ordinary pages.
            HugePages<TAtomics>.AdviseRegions(heap, region.Area->Class, (void*)region.Start, bytes);
            held = held.WithCommitted(0, huge: false);
            return true;
        }

        var from = (void*)(region.Start + (first << RegionWord.UnitShift));
        isLazy = held.Phase != RegionPhase.InUse && HeapOs<TAtomics>.TryPurgeLazily(heap, from, (held.Touched - first) << RegionWord.UnitShift);
        if (isLazy)
            return true;

        // What lies above the touched part of a stale region was freed lazily: it goes now, or the region would stay stale.
        var isAll = first == 0 && held.IsStale;
        var status = HeapOs<TAtomics>.Purge(heap, from, ((isAll ? held.Committed : held.Touched) - first) << RegionWord.UnitShift);
        if (isAll && status == VmStatus.Ok)
            held = held.AllPurged();

        // Given back, and perhaps not committed any more (Windows): the next user commits again.
        if (status == VmStatus.CommitRefused)
            held = held.WithCommitted(first, huge: false);
        return status is VmStatus.Ok or VmStatus.CommitRefused;
    }
}
