using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>Figures of one class, counted from the words.</summary>
internal struct ClassFigures
{
    public int Blocks;

    /// <summary>Slots outside of blocks: in users' hands, caches, recycler.</summary>
    public long Out;

    public long Cached;
}

/// <summary>
/// Owns: nothing. Reads counters and words, writes nothing, calls nobody: a snapshot that is exact at rest and near the truth while threads work.
/// Callers: the Api (statistics, the message of an out-of-memory error). Checked by: scripted runs with predicted figures.
/// </summary>
internal static unsafe class HeapFigures<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Fills <paramref name="classes"/> (indexed by class) and sums the rest.</summary>
    public static void Read(Heap* heap, ClassFigures* classes, out HeapTotals totals)
    {
        totals = default;
        totals.OsCalls = Load(&heap->OsCallsLine.Value);
        totals.DirectBytes = Load(&heap->DirectBytesLine.Value);
        totals.DirectCount = Load(&heap->DirectCountLine.Value);
        totals.TouchedBytes = Load(&heap->TouchedLine.Value);
        totals.ChargedBytes = Load(&heap->ChargedLine.Value);
        totals.SoftLimitBytes = Load(&heap->SoftLimitLine.Value);
        totals.HardLimitBytes = Load(&heap->HardLimitLine.Value);
        totals.PurgedBytes = Load(&heap->PurgedBytesLine.Value);
        totals.LazyBytes = Load(&heap->LazyBytesLine.Value);
        totals.HugePoolBytes = Load(&heap->HugePoolBytesLine.Value);
        totals.HugePool30Bytes = Load(&heap->HugePool30BytesLine.Value);
        totals.HugePoolRefusals = Load(&heap->HugePoolRefusalsLine.Value);
        totals.MovedBytes = Load(&heap->MovedBytesLine.Value);
        totals.SealBroken = Load(&heap->SealBrokenLine.Value);
        totals.Generation = Load(&heap->GenerationLine.Value);
        totals.ReservedBytes = heap->HeaderBytes + heap->Magazines.Reserved + totals.DirectBytes + LostRanges<TAtomics>.BytesOf(heap);
        totals.MetadataBytes = heap->HeaderBytes + Load(&heap->Magazines.Committed);
        var tableBytes = Load(&heap->DirectLeavesLine.Value) * DirectTable.LeafBytes;
        totals.ReservedBytes += tableBytes;
        totals.MetadataBytes += tableBytes;
        for (var number = 0; ; number++)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            if (stretch == null)
                break;
            totals.ReservedBytes += stretch->DataBytes + stretch->MetadataBytes;
            totals.MetadataBytes += stretch->HeaderBytes;
            for (var space = 0; space < Stretch.Spaces; space++)
                ReadSpace(Placement<TAtomics>.SpaceIn(stretch, space), classes, ref totals);
        }

        ReadRegions(heap, ref totals);
        totals.CommittedBytes = totals.MetadataBytes + totals.DataBytes + totals.DirectBytes;
        ReadCaches(heap, classes, ref totals);
    }

    private static void ReadRegions(Heap* heap, ref HeapTotals totals)
    {
        for (var number = 0; RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, number) is var space && space != null; number++)
        {
            totals.ReservedBytes += space->Length + space->MetadataBytes;
            totals.MetadataBytes += space->HeaderBytes + Load(&space->Map.Committed) + Load(&space->Meta.Committed);
        }

        for (var regionClass = 0; regionClass < RegionClasses.Count + (heap->ExactRegions ? 1 : 0) && RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) != null; regionClass++)
        {
            for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
                ReadArea(area, ref totals);
        }
    }

    private static void ReadArea(RegionArea* area, ref HeapTotals totals)
    {
        var frontier = Load(&area->Frontier);
        for (var index = 0ul; index < frontier; index++)
        {
            var region = new RegionRef { Area = area, Index = index };
            var word = new RegionWord(Load(region.Word));
            if (Load(region.Idle) == 0)
            {
                totals.RegionCount += word.Phase == RegionPhase.InUse ? 1ul : 0;
                totals.RegionBytes += word.InUse << RegionWord.UnitShift;
            }

            totals.RegionTouchedBytes += word.Touched << RegionWord.UnitShift;
            totals.DataBytes += word.Committed << RegionWord.UnitShift;
        }
    }

    private static void ReadSpace(Space* space, ClassFigures* classes, ref HeapTotals totals)
    {
        totals.DataBytes += Load(&space->Data.Committed);
        totals.MetadataBytes += Load(&space->LeafMark.Committed) + Load(&space->WordMark.Committed) + Load(&space->ResidentMark.Committed)
            + Load(&space->BitmapMark.Committed) + Load(&space->LiveMark.Committed);
        var frontier = Load(&space->Frontier);
        for (var block = 0ul; block < frontier; block++)
        {
            var word = new BlockWord(Load(space->Words + block));
            if (word.Phase != BlockPhase.Clean)
                totals.BlockBytes += 1ul << space->BlockShift;
            if (word.Phase == BlockPhase.Empty)
                totals.EmptyBlocks++;
            if (word.Phase != BlockPhase.InUse)
                continue;
            classes[word.Class].Blocks++;
            classes[word.Class].Out += word.Cursor - word.Free;
        }
    }

    private static void ReadCaches(Heap* heap, ClassFigures* classes, ref HeapTotals totals)
    {
        totals.SharedOperations = Load(&heap->SharedOperationsLine.Value);
        totals.Refills = Load(&heap->RefillsLine.Value);
        totals.Flushes = Load(&heap->FlushesLine.Value);
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (!CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap))
                continue;
            totals.SharedOperations += record->SharedOperations;
            totals.Refills += record->Refills;
            totals.Flushes += record->Flushes;
            totals.Caches++;
            for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                // Racy reads of another thread's cache: a count may be off by what that thread does meanwhile.
                classes[sizeClass].Cached += CountOf(record, *CacheRecord.Top(record, sizeClass)) + CountOf(record, (ulong*)*CacheRecord.Spare(record, sizeClass));
            }
        }

        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            classes[sizeClass].Cached += (long)Magazines<TAtomics, TGeometry>.RecyclerDepth(heap, sizeClass) * heap->Classes[sizeClass].MagazineSlots;
    }

    private static long CountOf(CacheRecord* record, ulong* top) =>
        top == null || top == CacheRecord.EmptyTop(record) ? 0 : Magazine.CountTo<TGeometry>(top);

    private static ulong Load(ulong* address) => TAtomics.LoadAcquire(address, Site.HeapFigures); // order: a figure [H1]
}

/// <summary>Sums over a heap.</summary>
internal struct HeapTotals
{
    public ulong ReservedBytes;
    public ulong CommittedBytes;
    public ulong DataBytes;
    public ulong MetadataBytes;
    public ulong DirectBytes;
    public ulong DirectCount;

    /// <summary>Regions in use, and their bytes.</summary>
    public ulong RegionCount;
    public ulong RegionBytes;

    /// <summary>Bytes of regions, in use or free, that may have pages behind them.</summary>
    public ulong RegionTouchedBytes;
    public ulong TouchedBytes;
    public ulong PurgedBytes;
    public ulong LazyBytes;
    public ulong HugePoolBytes;
    public ulong HugePool30Bytes;
    public ulong HugePoolRefusals;
    public ulong MovedBytes;
    public ulong SealBroken;
    public ulong Generation;
    public ulong OsCalls;
    public ulong SharedOperations;
    public ulong Refills;
    public ulong Flushes;
    public ulong EmptyBlocks;

    /// <summary>Bytes of blocks that are not clean: with metadata and mappings what the charge has to be at rest.</summary>
    public ulong BlockBytes;
    public ulong ChargedBytes;
    public ulong SoftLimitBytes;
    public ulong HardLimitBytes;
    public int Caches;
}
