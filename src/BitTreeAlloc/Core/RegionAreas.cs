using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the making of region spaces and of areas in them: how many regions the next area of a class has (the growth dampener), where it lies, smaller ones where addresses are scarce; and the way
/// from an address to its region, by arithmetic and one load.
/// Invariants: I-Q4, I-Q5; I-Q6 an area is complete before it is published, by a compare-exchange at the end of its class's list: of two that are made at once both serve.
/// Callers: Regions (birth, lookup), HeapSetup (end); holding nothing. Checked by: sequences of the dampener; out-of-memory tests at the k-th call; the explorer's region scenarios.
/// </summary>
internal static unsafe class RegionAreas<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const int CarveShift = 25;
    private const ulong MaxSpaceBytes = 16ul << 40;
    private const ulong MinSpaceBytes = 64ul << 20;
    private const ulong SpaceAlignment = 1ul << 30;

    /// <summary>At the end of the heap: set in the word of a space whose addresses are released; alone once its metadata is too.</summary>
    private const ulong Gone = 1;

    /// <summary>Bytes of the first area of a class, where one region is no more.</summary>
    private const ulong FirstAreaBytes = 32ul << 20;

    /// <summary>Metadata of 32 MiB of regions of 2 MiB, with its area: 16 entries, trees, header.</summary>
    private const int MetadataShift = CarveShift - 11;

    /// <summary>The region an address lies in; false outside of all regions ever handed out.</summary>
    public static bool TryLocate(Heap* heap, ulong address, out RegionRef region)
    {
        region = default;
        for (var number = 0; ; number++)
        {
            var space = SpaceAt(heap, number);
            if (space == null)
                return false;
            var offset = address - (ulong)space->Base;
            if (offset >= space->Length)
                continue;
            var unit = offset >> space->CarveShift;
            if ((unit + 1) * sizeof(ulong) > TAtomics.LoadAcquire(&space->Map.Committed, Site.WatermarkLoad)) // order: acquire: the map is committed up to there [W1]
                return false;
            region.Area = (RegionArea*)TAtomics.LoadAcquire((ulong*)space->Map.Base + unit, Site.RegionMap); // order: acquire: what the area's maker wrote [Q2]
            if (region.Area == null)
                return false;
            region.Index = (address - (ulong)region.Area->Base) >> region.Area->Shift;
            return region.Index < TAtomics.LoadAcquire(&region.Area->Frontier, Site.RegionFrontier); // order: acquire; an address that a user has is below [Q1]
        }
    }

    /// <summary>As <see cref="TryLocate"/>, looking first where the record's owner found the last one.</summary>
    public static bool TryLocateNear(Heap* heap, CacheRecord* record, ulong address, out RegionRef region)
    {
        region.Area = record->LastArea;
        region.Index = region.Area == null ? 0 : (address - (ulong)region.Area->Base) >> region.Area->Shift;
        if (region.Area != null && region.Index < region.Area->Count)
            return true;
        if (!TryLocate(heap, address, out region))
            return false;

        // Not a chunk of the exact mode: who looks there next has slots in mind, and a run has none.
        if (!region.Area->IsExact)
            record->LastArea = region.Area;
        return true;
    }

    /// <summary>Space number i, or null past the last.</summary>
    public static RegionSpace* SpaceAt(Heap* heap, int number) =>
        number >= Heap.MaxRegionSpaces ? null : (RegionSpace*)TAtomics.LoadAcquire(heap->RegionSpaces + number, Site.RegionSpaceLoad); // order: acquire: what its maker wrote [Q2]

    /// <summary>The oldest area of a class, or null; with <see cref="Next"/> a walk over all.</summary>
    public static RegionArea* First(Heap* heap, int regionClass) =>
        (RegionArea*)TAtomics.LoadAcquire(heap->RegionClasses + regionClass, Site.RegionAreaLoad); // order: acquire: what its maker wrote [Q2]

    /// <summary>The area that was made after it, or null.</summary>
    public static RegionArea* Next(RegionArea* area) => (RegionArea*)TAtomics.LoadAcquire(&area->Next, Site.RegionAreaLoad); // order: acquire: what its maker wrote [Q2]

    /// <summary>Adds an area of the class at the end of its list.</summary>
    public static Outcome Add(Heap* heap, int regionClass)
    {
        var link = Last(heap, regionClass, out var last);
        var first = Math.Max(1, FirstAreaBytes >> RegionClasses.ShiftOf(regionClass));
        var dampener = TAtomics.LoadAcquire(&heap->Policy.GrowthDampener, Site.HeapFigures); // order: a setting [H1]
        var count = last + Math.Max(first, dampener == ulong.MaxValue ? 0 : last / (dampener + 1));
        var most = 1ul << (TGeometry.TreeShift + TGeometry.WordShift);
        return Add(heap, regionClass, Math.Min(count, most), 1, link);
    }

    /// <summary>Adds a chunk of the exact mode, of 1 GiB, or less where addresses are scarce; at least <paramref name="least"/> pages, a power of two of which it begins at a multiple of.</summary>
    public static Outcome AddChunk(Heap* heap, ulong least) => Add(heap, RegionArea.ExactClass, RunChunk.MaxPages, least, Last(heap, RegionArea.ExactClass, out _));

    private static Outcome Add(Heap* heap, int regionClass, ulong count, ulong least, ulong* link)
    {
        for (; ; count /= 2)
        {
            var outcome = Make(heap, regionClass, count, out var area);
            if (outcome == Outcome.Ok)
            {
                // order: release publishes all that was written about the area [Q2]
                while (!TAtomics.CompareExchangeAcqRel(link, 0, (ulong)area, Site.RegionAreaPublish))
                    link = Last(heap, regionClass, out _);
                return Outcome.Ok;
            }

            if (outcome != Outcome.AddressSpaceExhausted || count / 2 < least)
                return outcome;
        }
    }

    /// <summary>Everything goes back; how many ranges the system refused to take. For Dispose alone, which repeats it.</summary>
    public static int ReleaseAll(Heap* heap)
    {
        var left = 0;
        for (var number = 0; (ulong)SpaceAt(heap, number) is var word && word != 0; number++)
        {
            var space = (RegionSpace*)(word & ~Gone);
            if (space == null)
                continue;
            var isGone = (word & Gone) != 0 || HeapOs<TAtomics>.Release(heap, space->Base, space->Length) == VmStatus.Ok;
            var now = isGone && HeapOs<TAtomics>.Release(heap, space, space->MetadataBytes) == VmStatus.Ok ? Gone : isGone ? word | Gone : word;
            left += now == Gone ? 0 : 1;
            TAtomics.WritePlain(heap->RegionSpaces + number, now, Site.RegionSpacePublish);
        }

        return left;
    }

    private static ulong* Last(Heap* heap, int regionClass, out ulong count)
    {
        count = 0;
        var link = heap->RegionClasses + regionClass;
        for (var area = First(heap, regionClass); area != null; area = Next(area))
        {
            link = &area->Next;
            count = area->Count;
        }

        return link;
    }

    private static Outcome Make(Heap* heap, int regionClass, ulong count, out RegionArea* area)
    {
        area = null;
        var isExact = regionClass == RegionArea.ExactClass;
        var shift = isExact ? RegionWord.UnitShift : RegionClasses.ShiftOf(regionClass);
        var shape = new AreaShape(count, isExact);
        var outcome = TryCarve(heap, count << shift, Math.Min(isExact ? count << shift : 1ul << shift, SpaceAlignment), shape.Bytes, out var space, out var start);
        if (outcome == Outcome.Ok)
            outcome = MakeMetadata(heap, space, shape, out area);
        if (outcome != Outcome.Ok)
            return outcome;
        area->Base = space->Base + start;
        area->Count = count;
        area->Shift = shift;
        area->Class = regionClass;
        HugePages<TAtomics>.AdviseRegions(heap, regionClass, area->Base, count << shift);
        area->Runs.BasePage = (ulong)area->Base >> RegionWord.UnitShift;
        for (var unit = start >> space->CarveShift; unit << space->CarveShift < start + (count << shift); unit++)
            TAtomics.StoreRelease((ulong*)space->Map.Base + unit, (ulong)area, Site.RegionMap); // order: release: the area is complete [Q2]
        return Outcome.Ok;
    }

    /// <summary>Takes addresses in a space that has room for the area's metadata too. Both are committed before, so that a refusal costs no address.</summary>
    private static Outcome TryCarve(Heap* heap, ulong bytes, ulong alignment, ulong metadataBytes, out RegionSpace* space, out ulong start)
    {
        start = 0;
        for (var number = 0; ; number++)
        {
            space = SpaceAt(heap, number);
            if (space == null)
            {
                var outcome = AddSpace(heap, number, bytes);
                if (outcome != Outcome.Ok)
                    return outcome;
                number--;
                continue;
            }

            var grain = Math.Max(alignment, 1ul << space->CarveShift);
            for (; ; )
            {
                var carved = TAtomics.LoadAcquire(&space->Carved, Site.RegionCarve); // order: acquire [Q2]
                start = HeapOs<TAtomics>.AlignUp(carved, grain);
                var end = HeapOs<TAtomics>.AlignUp(start + bytes, 1ul << space->CarveShift);
                var room = TAtomics.LoadAcquire(&space->MetaNext, Site.RegionCarve) + metadataBytes; // order: acquire [Q2]
                if (end > space->Length || room > space->Meta.Reserved)
                    break;
                var outcome = Ensure(heap, &space->Meta, room);
                if (outcome == Outcome.Ok)
                    outcome = Ensure(heap, &space->Map, (end >> space->CarveShift) * sizeof(ulong));
                if (outcome != Outcome.Ok)
                    return outcome;
                if (TAtomics.CompareExchangeAcqRel(&space->Carved, carved, end, Site.RegionCarve)) // order: of two one gets the addresses [Q2]
                    return Outcome.Ok;
            }
        }
    }

    private static Outcome AddSpace(Heap* heap, int number, ulong needed)
    {
        if (number >= Heap.MaxRegionSpaces)
            return Outcome.AddressSpaceExhausted;
        needed = Math.Max(HeapOs<TAtomics>.AlignUp(needed, 1ul << CarveShift), MinSpaceBytes);
        var wanted = Math.Min(heap->StretchBytes << Math.Min(4 + (2 * number), 10), MaxSpaceBytes);
        var outcome = MakeSpace(heap, Math.Max(needed, wanted), needed, out var space);

        // order: release publishes all that was written about the space [Q2]
        if (outcome == Outcome.Ok && !TAtomics.CompareExchangeAcqRel(heap->RegionSpaces + number, 0, (ulong)space, Site.RegionSpacePublish))
            GiveUp(heap, space);
        return outcome;
    }

    private static Outcome MakeSpace(Heap* heap, ulong bytes, ulong needed, out RegionSpace* space)
    {
        space = null;
        var scarce = false;
        for (; ; bytes = Math.Max(bytes / 2, needed))
        {
            void* data;
            var status = LostRanges<TAtomics>.Reserve(heap, bytes, Math.Min(SpaceAlignment, 1ul << BitOperations.Log2(bytes)), &data);
            if (status == VmStatus.Ok && scarce && bytes / 4 >= needed)
            {
                // Addresses are limited: leave most of what is left to the rest of the process.
                _ = LostRanges<TAtomics>.Release(heap, data, bytes);
                bytes /= 2;
                scarce = false;
                continue;
            }

            var outcome = Outcomes.From(status);
            if (status == VmStatus.Ok)
            {
                outcome = MakeSpaceMetadata(heap, (byte*)data, bytes, out space);
                if (outcome == Outcome.Ok)
                    return Outcome.Ok;
                _ = LostRanges<TAtomics>.Release(heap, data, bytes);
                if (outcome != Outcome.AddressSpaceExhausted)
                    return outcome;
            }

            if (bytes == needed)
                return outcome;
            scarce = true;
        }
    }

    private static Outcome MakeSpaceMetadata(Heap* heap, byte* data, ulong bytes, out RegionSpace* space)
    {
        space = null;
        var headerBytes = HeapOs<TAtomics>.AlignUp((ulong)sizeof(RegionSpace), heap->PageSize);
        var mapBytes = HeapOs<TAtomics>.AlignUp((bytes >> CarveShift) * sizeof(ulong), heap->PageSize);
        var areaBytes = HeapOs<TAtomics>.AlignUp(bytes >> MetadataShift, heap->PageSize);
        if (!Limits<TAtomics>.TryCharge(heap, headerBytes))
            return Outcome.LimitReached;
        void* metadata;
        var total = headerBytes + mapBytes + areaBytes;
        var status = LostRanges<TAtomics>.Reserve(heap, total, heap->PageSize, &metadata);
        if (status == VmStatus.Ok)
        {
            HeapOs<TAtomics>.Advise(heap, metadata, total, VmAdvice.NoHugePages);
            status = HeapOs<TAtomics>.Commit(heap, metadata, headerBytes);
            if (status != VmStatus.Ok)
                _ = LostRanges<TAtomics>.Release(heap, metadata, total);
        }

        if (status != VmStatus.Ok)
        {
            Limits<TAtomics>.Undo(heap, headerBytes);
            return Outcomes.From(status);
        }

        space = (RegionSpace*)metadata;
        space->Base = data;
        space->Length = bytes;
        space->CarveShift = CarveShift;
        space->Map = new Watermark { Base = (byte*)metadata + headerBytes, Reserved = mapBytes, Step = heap->PageSize };
        space->Meta = new Watermark { Base = (byte*)metadata + headerBytes + mapBytes, Reserved = areaBytes, Step = HeapOs<TAtomics>.AlignUp(16 << 10, heap->PageSize) };
        space->MetadataBytes = total;
        space->HeaderBytes = headerBytes;
        return Outcome.Ok;
    }

    /// <summary>Of a space that was not published.</summary>
    private static void GiveUp(Heap* heap, RegionSpace* space)
    {
        var (metadataBytes, headerBytes) = (space->MetadataBytes, space->HeaderBytes);
        _ = LostRanges<TAtomics>.Release(heap, space->Base, space->Length);
        if (LostRanges<TAtomics>.Release(heap, space, metadataBytes, written: headerBytes))
            Limits<TAtomics>.Return(heap, headerBytes);
    }

    private static Outcome Ensure(Heap* heap, Watermark* mark, ulong end)
    {
        var status = HeapOs<TAtomics>.Ensure(heap, mark, end, out var isLimited);
        return isLimited ? Outcome.LimitReached : Outcomes.From(status);
    }

    /// <summary>Room for an area, its words and its trees; zero, as fresh pages are. Refused only where another thread took what was committed for it: then the addresses are nobody's.</summary>
    private static Outcome MakeMetadata(Heap* heap, RegionSpace* space, in AreaShape shape, out RegionArea* area)
    {
        area = null;
        ulong at;
        do
        {
            at = TAtomics.LoadAcquire(&space->MetaNext, Site.RegionCarve); // order: acquire [Q2]
            if (at + shape.Bytes > space->Meta.Reserved)
                return Outcome.AddressSpaceExhausted;
            var outcome = Ensure(heap, &space->Meta, at + shape.Bytes);
            if (outcome != Outcome.Ok)
                return outcome;
        }
        while (!TAtomics.CompareExchangeAcqRel(&space->MetaNext, at, at + shape.Bytes, Site.RegionCarve)); // order: of two one gets the room [Q2]

        area = (RegionArea*)(space->Meta.Base + at);
        area->Entries = (ulong*)((byte*)area + AreaShape.HeaderBytes);
        if (shape.IsExact)
        {
            area->Runs.Pages = (int)shape.Count;
            area->Runs.Runs = area->Entries + (shape.Count << RegionArea.EntryShift);
            area->Runs.Taken = area->Runs.Runs + shape.Count;
            return Outcome.Ok;
        }

        area->Trees.Columns = AreaShape.Columns;
        area->Trees.Summaries = area->Entries + (shape.Count << RegionArea.EntryShift);
        area->Trees.Tops = area->Trees.Summaries + AreaShape.Columns;
        area->Trees.Middles = area->Trees.Tops + (AreaShape.Columns * shape.Trees);
        area->Trees.Leaves = area->Trees.Middles + (AreaShape.Columns * shape.Middles);
        return Outcome.Ok;
    }

    /// <summary>How many words an area of so many regions needs, or a chunk of so many pages.</summary>
    private readonly struct AreaShape(ulong count, bool isExact)
    {
        public const int Columns = 2;

        public static ulong HeaderBytes => HeapOs<TAtomics>.AlignUp((ulong)sizeof(RegionArea), 64);

        public ulong Count => count;

        public bool IsExact => isExact;

        public ulong Trees => (count + (1ul << TGeometry.TreeShift) - 1) >> TGeometry.TreeShift;

        public ulong Middles => Trees << (TGeometry.TreeShift - (2 * TGeometry.WordShift));

        public ulong Leaves => (count + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift;

        public ulong Bytes => HeapOs<TAtomics>.AlignUp(HeaderBytes + (((count << RegionArea.EntryShift) + (isExact ? count + Leaves : Columns * (1 + Trees + Middles + Leaves))) * sizeof(ulong)), 64);
    }
}
