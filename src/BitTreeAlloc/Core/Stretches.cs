using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the making of stretches: how many addresses, where the metadata lies, smaller ones where addresses are scarce.
/// Invariants: I-S1 a stretch is complete before it is published, once, by a compare-exchange; the loser of a race gives its own back.
/// Callers: Births when every stretch is full; HeapSetup at the end. Checked by: address plan tests, tests under a limit of addresses.
/// </summary>
internal static unsafe class Stretches<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>The smallest stretch of small classes: 256 blocks of each kind.</summary>
    public const ulong MinBytes = 16ul << 20;

    /// <summary>The smallest stretch of medium classes: a block of each kind, for where addresses are scarce and a second 16 MiB are not to be had.</summary>
    private const ulong MinMediumBytes = 4ul << 20;

    private const ulong MetadataAlignment = 64;

    /// <summary>At the end of the heap: set in the word of a stretch whose addresses are released; alone once its metadata is too.</summary>
    private const ulong Gone = 1;

    /// <summary>Adds stretch <paramref name="number"/>, of that family, unless somebody else just added one. <paramref name="isFirst"/>: the heap has none of the family.</summary>
    public static Outcome Add(Heap* heap, int number, int family, bool isFirst)
    {
        if (number >= Heap.MaxStretches)
            return Outcome.AddressSpaceExhausted;

        // The first is small enough for thousands of heaps in one process; whoever fills it gets larger ones.
        var most = MaxBytes(family);
        var bytes = isFirst ? heap->StretchBytes : Math.Max(heap->StretchBytes, MaxBytes(0));
        var outcome = Make(heap, Math.Min(bytes, most), family, out var stretch);
        if (outcome != Outcome.Ok)
            return outcome;

        // order: release publishes all that was written about the stretch [S1]
        if (!TAtomics.CompareExchangeAcqRel(heap->Stretches + number, 0, (ulong)stretch, Site.StretchPublish))
            GiveUp(heap, stretch);
        return Outcome.Ok;
    }

    /// <summary>Everything goes back; how many ranges the system refused to take. For Dispose alone, which repeats it.</summary>
    public static int ReleaseAll(Heap* heap)
    {
        var left = 0;
        for (var number = 0; (ulong)Placement<TAtomics>.StretchAt(heap, number) is var word && word != 0; number++)
        {
            var stretch = (Stretch*)(word & ~Gone);
            if (stretch == null)
                continue;
            var isGone = (word & Gone) != 0 || HeapOs<TAtomics>.Release(heap, stretch->Base, stretch->DataBytes) == VmStatus.Ok;
            var now = isGone && HeapOs<TAtomics>.Release(heap, stretch->Metadata, stretch->MetadataBytes) == VmStatus.Ok ? Gone : isGone ? word | Gone : word;
            left += now == Gone ? 0 : 1;
            TAtomics.WritePlain(heap->Stretches + number, now, Site.StretchPublish);
        }

        return left;
    }

    /// <summary>Of a stretch that was not published.</summary>
    private static void GiveUp(Heap* heap, Stretch* stretch)
    {
        var (metadata, metadataBytes, headerBytes) = ((ulong)stretch->Metadata, stretch->MetadataBytes, stretch->HeaderBytes);
        _ = LostRanges<TAtomics>.Release(heap, stretch->Base, stretch->DataBytes);
        if (LostRanges<TAtomics>.Release(heap, (void*)metadata, metadataBytes, written: headerBytes))
            Limits<TAtomics>.Return(heap, headerBytes);
    }

    private static ulong MaxBytes(int family) => (1ul << LargeShift(family)) << (TGeometry.TreeShift + TGeometry.WordShift);

    /// <summary>log2 of the bytes of the larger blocks of a family; the smaller ones are a quarter.</summary>
    private static int LargeShift(int family) => ClassPlan.BlockShift((family << 1) + 1);

    private static Outcome Make(Heap* heap, ulong bytes, int family, out Stretch* stretch)
    {
        stretch = null;
        var scarce = false;
        var least = family == 0 ? MinBytes : MinMediumBytes;
        for (; ; )
        {
            void* data;
            var status = LostRanges<TAtomics>.Reserve(heap, bytes + (bytes / 4), 1ul << Math.Max(21, LargeShift(family)), &data);
            if (status == VmStatus.Ok && scarce && bytes / 4 >= least)
            {
                // Addresses are limited: leave most of what is left to the rest of the process.
                _ = LostRanges<TAtomics>.Release(heap, data, bytes + (bytes / 4));
                bytes /= 4;
                scarce = false;
                continue;
            }

            var outcome = Outcomes.From(status);
            if (status == VmStatus.Ok)
            {
                outcome = MakeMetadata(heap, data, bytes, family, out stretch);
                if (outcome == Outcome.Ok)
                {
                    HugePages<TAtomics>.AdviseStretch(heap, data, bytes + (bytes / 4));
                    return Outcome.Ok;
                }

                _ = LostRanges<TAtomics>.Release(heap, data, bytes + (bytes / 4));
                if (outcome == Outcome.CommitRefused)
                    return outcome;
            }

            if (bytes / 2 < least)
                return outcome;
            bytes /= 2;

            // Where the hard limit refused the header, a smaller stretch has a smaller one; addresses are not what is short.
            scarce = outcome != Outcome.LimitReached;
        }
    }

    private static Outcome MakeMetadata(Heap* heap, void* data, ulong bytes, int family, out Stretch* stretch)
    {
        stretch = null;
        var (smallKind, largeKind) = (family << 1, (family << 1) + 1);
        var blocks = bytes >> LargeShift(family);
        var trees = (blocks + (1ul << TGeometry.TreeShift) - 1) >> TGeometry.TreeShift;
        var plan = new MetadataPlan(heap->PageSize);
        var headerAt = plan.Add((ulong)sizeof(Stretch));
        var small = PlanTrees(ref plan, trees, smallKind);
        var large = PlanTrees(ref plan, trees, largeKind);
        var mapAt = family == 0 ? plan.AddPart((bytes + (bytes / 4)) >> Stretch.GranuleShift) : 0;
        var headerBytes = plan.EndOfPart();
        PlanBlocks(ref plan, blocks, ref small);
        PlanBlocks(ref plan, blocks, ref large);
        var marksAt = heap->Checked ? plan.AddPart(LiveMarks.Bytes(bytes, family)) : 0;

        if (!Limits<TAtomics>.TryCharge(heap, headerBytes))
            return Outcome.LimitReached;
        void* metadata;
        var status = LostRanges<TAtomics>.Reserve(heap, plan.Bytes, heap->PageSize, &metadata);
        if (status != VmStatus.Ok)
        {
            Limits<TAtomics>.Undo(heap, headerBytes);
            return Outcomes.From(status);
        }

        HeapOs<TAtomics>.Advise(heap, metadata, plan.Bytes, VmAdvice.NoHugePages);
        status = HeapOs<TAtomics>.Commit(heap, metadata, headerBytes);
        if (status != VmStatus.Ok)
        {
            _ = LostRanges<TAtomics>.Release(heap, metadata, plan.Bytes);
            Limits<TAtomics>.Undo(heap, headerBytes);
            return Outcomes.From(status);
        }

        var start = (byte*)metadata;
        stretch = (Stretch*)(start + headerAt);
        stretch->Base = (byte*)data;
        stretch->Length = bytes + (bytes / 4);
        stretch->DataBytes = stretch->Length;
        stretch->Metadata = start;
        stretch->MetadataBytes = plan.Bytes;
        stretch->HeaderBytes = headerBytes;
        stretch->Family = family;
        stretch->ClassMap = family == 0 ? start + mapAt : null;
        stretch->Marks = heap->Checked ? start + marksAt : null;

        // The large blocks first: their addresses keep the alignment of the reservation.
        Fill(heap, stretch, &stretch->Large, (byte*)data, largeKind, blocks, start, large);
        Fill(heap, stretch, &stretch->Small, (byte*)data + bytes, smallKind, blocks, start, small);
        return Outcome.Ok;
    }

    private static void Fill(Heap* heap, Stretch* stretch, Space* space, byte* data, int kind, ulong blocks, byte* metadata, SpacePlan plan)
    {
        var columns = ClassPlan.Columns(kind);
        var blockShift = ClassPlan.BlockShift(kind);
        space->Owner = stretch;
        space->BlockShift = blockShift;
        space->BlockCount = blocks;
        space->FirstClass = ClassPlan.FirstClass(kind);
        space->EmptyColumn = columns - 2;
        space->CleanColumn = columns - 1;
        space->BitmapWords = plan.BitmapWords;
        space->ResidentShift = Math.Min(blockShift, Math.Max(blockShift - 6, System.Numerics.BitOperations.Log2(heap->PageSize)));
        space->Trees.Columns = (ulong)columns;
        space->Trees.Summaries = (ulong*)(metadata + plan.Summaries);
        space->Trees.Tops = (ulong*)(metadata + plan.Tops);
        space->Trees.Middles = (ulong*)(metadata + plan.Middles);
        space->Trees.Leaves = (ulong*)(metadata + plan.Leaves);
        space->Words = (ulong*)(metadata + plan.Words);
        space->Resident = (ulong*)(metadata + plan.Resident);
        space->Bitmaps = (ulong*)(metadata + plan.Bitmaps);
        var rows = (blocks + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift;
        space->LeafMark = Mark(heap, space->Trees.Leaves, rows * (ulong)columns * sizeof(ulong), 16 << 10);
        space->WordMark = Mark(heap, space->Words, blocks * sizeof(ulong), 16 << 10);
        space->ResidentMark = Mark(heap, space->Resident, blocks * sizeof(ulong), 16 << 10);
        space->BitmapMark = Mark(heap, space->Bitmaps, blocks * (ulong)plan.BitmapWords * sizeof(ulong), 64 << 10);
        var markShift = LiveMarks.ShiftOf(space->FirstClass);
        if (heap->Checked)
        {
            var first = (ulong)(data - stretch->Base) >> markShift;
            space->LiveMarkLead = first & (heap->PageSize - 1);
            space->LiveMark = Mark(heap, stretch->Marks + (first - space->LiveMarkLead), space->LiveMarkLead + ((blocks << blockShift) >> markShift), 16 << 10);
        }

        space->Map = stretch->ClassMap == null ? null : stretch->ClassMap + ((ulong)(data - stretch->Base) >> Stretch.GranuleShift);
        space->Data = Mark(heap, data, blocks << blockShift, Math.Max(1 << 20, 1ul << blockShift));
    }

    private static Watermark Mark(Heap* heap, void* start, ulong bytes, ulong step) => new()
    {
        Base = (byte*)start,
        Reserved = HeapOs<TAtomics>.AlignUp(bytes, heap->PageSize),
        Step = HeapOs<TAtomics>.AlignUp(step, heap->PageSize),
    };

    private static SpacePlan PlanTrees(ref MetadataPlan plan, ulong trees, int kind)
    {
        var row = (ulong)ClassPlan.Columns(kind) * sizeof(ulong);
        var middlesPerTree = 1ul << (TGeometry.TreeShift - TGeometry.WordShift - TGeometry.WordShift);
        return new SpacePlan { Columns = ClassPlan.Columns(kind), BitmapWords = kind < 2 ? ClassPlan.BitmapWords : 1, Summaries = plan.Add(row), Tops = plan.Add(trees * row), Middles = plan.Add(trees * middlesPerTree * row) };
    }

    private static void PlanBlocks(ref MetadataPlan plan, ulong blocks, ref SpacePlan space)
    {
        var rows = (blocks + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift;
        space.Leaves = plan.AddPart(rows * (ulong)space.Columns * sizeof(ulong));
        space.Words = plan.AddPart(blocks * sizeof(ulong));
        space.Resident = plan.AddPart(blocks * sizeof(ulong));
        space.Bitmaps = plan.AddPart(blocks * (ulong)space.BitmapWords * sizeof(ulong));
    }

    private struct SpacePlan
    {
        public int Columns;
        public int BitmapWords;
        public ulong Summaries;
        public ulong Tops;
        public ulong Middles;
        public ulong Leaves;
        public ulong Words;
        public ulong Resident;
        public ulong Bitmaps;
    }

    /// <summary>Offsets in a metadata reservation: parts that are committed alone begin on a page.</summary>
    private struct MetadataPlan(ulong pageSize)
    {
        public ulong Bytes { get; private set; }

        public ulong Add(ulong bytes)
        {
            var at = HeapOs<TAtomics>.AlignUp(Bytes, MetadataAlignment);
            Bytes = at + bytes;
            return at;
        }

        public ulong EndOfPart() => Bytes = HeapOs<TAtomics>.AlignUp(Bytes, pageSize);

        public ulong AddPart(ulong bytes)
        {
            var at = EndOfPart();
            Bytes = at + bytes;
            EndOfPart();
            return at;
        }
    }
}
