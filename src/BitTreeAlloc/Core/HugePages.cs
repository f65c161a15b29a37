using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: advice about transparent huge pages: for areas of regions when they are made, for blocks where a space has grown dense, and against them.
/// Invariants: none; advice changes cost, never contents, and a refusal is noted once for the Api to tell. Callers: RegionAreas, RegionPages, Stretches, Births. Checked by: the matrix of huge page modes.
/// </summary>
internal static unsafe class HugePages<TAtomics>
    where TAtomics : struct, IAtomics
{
    private const ulong HugeBytes = 2ul << 20;

    /// <summary>Advises a range for huge pages, or against them: under "always" the system would use them unasked.</summary>
    public static void Advise(Heap* heap, void* address, ulong bytes, bool wanted)
    {
        var status = HeapOs<TAtomics>.Advise(heap, address, bytes, wanted ? VmAdvice.HugePages : VmAdvice.NoHugePages);
        if (wanted && status is not (VmStatus.Ok or VmStatus.Sealed))
            TAtomics.CompareExchangeAcqRel(&heap->AdviceDeniedLine.Value, 0, 1, Site.HeapFigures); // order: a note; told once by whoever finds it [H1]
    }

    /// <summary>Advises addresses of regions of a class for huge pages or against them, as the policy says.</summary>
    public static void AdviseRegions(Heap* heap, int regionClass, void* address, ulong bytes)
    {
        var from = TAtomics.LoadAcquire(&heap->Policy.HugeRegionClass, Site.HeapFigures); // order: a setting [H1]
        Advise(heap, address, bytes, (ulong)regionClass >= from);
    }

    /// <summary>Where the policy wants no huge pages at all, advises a new stretch of blocks against them.</summary>
    public static void AdviseStretch(Heap* heap, void* address, ulong bytes)
    {
        if (TAtomics.LoadAcquire(&heap->Policy.HugeRegionClass, Site.HeapFigures) == Policy.Never) // order: a setting [H1]
            Advise(heap, address, bytes, wanted: false);
    }

    /// <summary>
    /// After a space's blocks were committed: advises what is new above the policy's size, in whole huge pages. Below that size a program is small, and a huge page would be most of it.
    /// </summary>
    public static void AdviseBlocks(Heap* heap, Space* space)
    {
        var from = TAtomics.LoadAcquire(&heap->Policy.HugeBlockBytes, Site.HeapFigures); // order: a setting [H1]
        if (from == Policy.Never)
            return;
        var end = TAtomics.LoadAcquire(&space->Data.Committed, Site.WatermarkLoad) & ~(HugeBytes - 1); // order: acquire [W1]
        for (; ; )
        {
            var advised = TAtomics.LoadAcquire(&space->Advised, Site.HeapFigures); // order: a hint: advice may be given twice [H1]
            var start = Math.Max(advised, HeapOs<TAtomics>.AlignUp(from, HugeBytes));
            if (start >= end)
                return;
            if (!TAtomics.CompareExchangeAcqRel(&space->Advised, advised, end, Site.HeapFigures)) // order: a hint [H1]
                continue;
            Advise(heap, space->Data.Base + start, end - start, wanted: true);
            return;
        }
    }
}
