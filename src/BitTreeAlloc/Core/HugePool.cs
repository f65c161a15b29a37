using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the ladder of page sizes for regions: pages of 1 GiB from the system's pool, of 2 MiB from the pool, then ordinary ones (with advice). A pool that refused is passed by for a while: 1, 2, 4 …
/// 64 commits, so that an empty pool costs little and one that was filled again is found.
/// Invariants: none; the counts are hints. Callers: RegionPages, holding the region. Checked by: a simulated pool that denies each step and recovers.
/// </summary>
internal static unsafe class HugePool<TAtomics>
    where TAtomics : struct, IAtomics
{
    private const int MaxSkip = 64;
    private const int SkipShift = 32;
    private const int GiantShift = 30;

    /// <summary>Whether the policy takes pages from the pool.</summary>
    public static bool IsWanted(Heap* heap) => TAtomics.LoadAcquire(&heap->Policy.HugePool, Site.HeapFigures) != 0; // order: a setting [H1]

    /// <summary>Commits a range from the pool by the largest pages that fit it; <paramref name="giants"/> of them are of 1 GiB.</summary>
    public static bool TryCommit(Heap* heap, ulong address, ulong bytes, out ulong giants)
    {
        giants = TryStep(heap, address, bytes, GiantShift, &heap->HugeSkip30Line) ? bytes >> GiantShift : 0;
        if (giants == 0 && !TryStep(heap, address, bytes, RegionWord.UnitShift, &heap->HugeSkip21Line))
            return false;
        Count(heap, bytes, giants);
        return true;
    }

    /// <summary>Gives a range that <see cref="TryCommit"/> committed, in one step or several, back to the pool.</summary>
    public static bool TryDrop(Heap* heap, ulong address, ulong bytes, ulong giants)
    {
        if (HeapOs<TAtomics>.DropHuge(heap, (void*)address, bytes) != VmStatus.Ok)
            return false;
        Count(heap, 0 - bytes, 0 - giants);
        return true;
    }

    private static void Count(Heap* heap, ulong bytes, ulong giants)
    {
        TAtomics.FetchAddAcqRel(&heap->HugePoolBytesLine.Value, bytes, Site.HeapFigures); // order: a figure [H1]
        if (giants != 0)
            TAtomics.FetchAddAcqRel(&heap->HugePool30BytesLine.Value, giants << GiantShift, Site.HeapFigures); // order: a figure [H1]
    }

    private static bool TryStep(Heap* heap, ulong address, ulong bytes, int shift, Line* skip)
    {
        if (((address | bytes) & ((1ul << shift) - 1)) != 0)
            return false;

        // Low half: commits still to pass by; high half: the last number of them.
        var word = TAtomics.LoadAcquire(&skip->Value, Site.HeapFigures); // order: a hint [H1]
        if ((uint)word != 0)
        {
            TAtomics.CompareExchangeAcqRel(&skip->Value, word, word - 1, Site.HeapFigures); // order: a hint [H1]
            return false;
        }

        var isGranted = HeapOs<TAtomics>.CommitHuge(heap, (void*)address, bytes, shift) == VmStatus.Ok;
        var next = isGranted ? 0 : Math.Min(MaxSkip, Math.Max(1, (word >> SkipShift) * 2));
        TAtomics.StoreRelease(&skip->Value, (next << SkipShift) | next, Site.HeapFigures); // order: a hint [H1]
        if (!isGranted)
            TAtomics.FetchAddAcqRel(&heap->HugePoolRefusalsLine.Value, 1, Site.HeapFigures); // order: a figure [H1]
        return isGranted;
    }
}
