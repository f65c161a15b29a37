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
    /// <summary>The smallest stretch: 256 blocks of each kind.</summary>
    public const ulong MinBytes = 16ul << 20;

    private const ulong MetadataAlignment = 64;

    /// <summary>Adds stretch <paramref name="number"/> unless somebody else just did.</summary>
    public static Outcome Add(Heap* heap, int number)
    {
        if (number >= Heap.MaxStretches)
            return Outcome.AddressSpaceExhausted;

        // The first is small enough for thousands of heaps in one process; whoever fills it gets larger ones.
        var bytes = number == 0 ? heap->StretchBytes : Math.Max(heap->StretchBytes, MaxBytes);
        var outcome = Make(heap, Math.Min(bytes, MaxBytes), out var stretch);
        if (outcome != Outcome.Ok)
            return outcome;

        // order: release publishes all that was written about the stretch [S1]
        if (!TAtomics.CompareExchangeAcqRel(heap->Stretches + number, 0, (ulong)stretch, Site.StretchPublish))
            Release(heap, stretch);
        return Outcome.Ok;
    }

    public static void Release(Heap* heap, Stretch* stretch)
    {
        var metadata = stretch->Metadata;
        var metadataBytes = stretch->MetadataBytes;
        var headerBytes = stretch->HeaderBytes;
        HeapOs<TAtomics>.Release(heap, stretch->Base, stretch->DataBytes);
        HeapOs<TAtomics>.Release(heap, metadata, metadataBytes);
        Limits<TAtomics>.Return(heap, headerBytes);
    }

    private static ulong MaxBytes => (1ul << 16) << (TGeometry.TreeShift + TGeometry.WordShift);

    private static Outcome Make(Heap* heap, ulong bytes, out Stretch* stretch)
    {
        stretch = null;
        var scarce = false;
        for (; ; )
        {
            void* data;
            var status = HeapOs<TAtomics>.Reserve(heap, bytes + (bytes / 4), 1ul << 21, &data);
            if (status == VmStatus.Ok && scarce && bytes / 4 >= MinBytes)
            {
                // Addresses are limited: leave most of what is left to the rest of the process.
                HeapOs<TAtomics>.Release(heap, data, bytes + (bytes / 4));
                bytes /= 4;
                scarce = false;
                continue;
            }

            var outcome = Outcomes.From(status);
            if (status == VmStatus.Ok)
            {
                outcome = MakeMetadata(heap, data, bytes, out stretch);
                if (outcome == Outcome.Ok)
                    return Outcome.Ok;
                HeapOs<TAtomics>.Release(heap, data, bytes + (bytes / 4));
                if (outcome == Outcome.CommitRefused)
                    return outcome;
            }

            if (bytes / 2 < MinBytes)
                return outcome;
            bytes /= 2;

            // Where the hard limit refused the header, a smaller stretch has a smaller one; addresses are not what is short.
            scarce = outcome != Outcome.LimitReached;
        }
    }

    private static Outcome MakeMetadata(Heap* heap, void* data, ulong bytes, out Stretch* stretch)
    {
        stretch = null;
        var blocks = bytes >> 16;
        var trees = (blocks + (1ul << TGeometry.TreeShift) - 1) >> TGeometry.TreeShift;
        var plan = new MetadataPlan(heap->PageSize);
        var headerAt = plan.Add((ulong)sizeof(Stretch));
        var small = PlanTrees(ref plan, trees, SmallColumns);
        var large = PlanTrees(ref plan, trees, LargeColumns);
        var mapAt = plan.AddPart((bytes + (bytes / 4)) >> Stretch.GranuleShift);
        var headerBytes = plan.EndOfPart();
        PlanBlocks(ref plan, blocks, ref small, SmallColumns);
        PlanBlocks(ref plan, blocks, ref large, LargeColumns);
        var marksAt = heap->Checked ? plan.AddPart(LiveMarks.Bytes(bytes)) : 0;

        if (!Limits<TAtomics>.TryCharge(heap, headerBytes))
            return Outcome.LimitReached;
        void* metadata;
        var status = HeapOs<TAtomics>.Reserve(heap, plan.Bytes, heap->PageSize, &metadata);
        if (status != VmStatus.Ok)
        {
            Limits<TAtomics>.Undo(heap, headerBytes);
            return Outcomes.From(status);
        }

        HeapOs<TAtomics>.Advise(heap, metadata, plan.Bytes, VmAdvice.NoHugePages);
        status = HeapOs<TAtomics>.Commit(heap, metadata, headerBytes);
        if (status != VmStatus.Ok)
        {
            HeapOs<TAtomics>.Release(heap, metadata, plan.Bytes);
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
        stretch->ClassMap = start + mapAt;
        stretch->Marks = heap->Checked ? start + marksAt : null;

        // The large blocks first: their addresses keep the alignment of the reservation.
        Fill(heap, stretch, &stretch->Large, (byte*)data, 16, blocks, small: false, start, large, mapAt);
        Fill(heap, stretch, &stretch->Small, (byte*)data + bytes, 14, blocks, small: true, start, small, mapAt + (bytes >> Stretch.GranuleShift));
        return Outcome.Ok;
    }

    private static void Fill(Heap* heap, Stretch* stretch, Space* space, byte* data, int blockShift, ulong blocks, bool small, byte* metadata, SpacePlan plan, ulong mapAt)
    {
        var columns = small ? SmallColumns : LargeColumns;
        space->Owner = stretch;
        space->BlockShift = blockShift;
        space->BlockCount = blocks;
        space->FirstClass = small ? 1 : ClassPlan.LastSmallBlockClass + 1;
        space->EmptyColumn = columns - 2;
        space->CleanColumn = columns - 1;
        space->BitmapWords = ClassPlan.BitmapWords;
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
        space->BitmapMark = Mark(heap, space->Bitmaps, blocks * ClassPlan.BitmapWords * sizeof(ulong), 64 << 10);
        var markShift = LiveMarks.Shift(space->FirstClass);
        if (heap->Checked)
            space->LiveMark = Mark(heap, stretch->Marks + ((ulong)(data - stretch->Base) >> markShift), (blocks << blockShift) >> markShift, 16 << 10);
        space->Map = metadata + mapAt;
        space->Data = Mark(heap, data, blocks << blockShift, 1 << 20);
    }

    private static Watermark Mark(Heap* heap, void* start, ulong bytes, ulong step) => new()
    {
        Base = (byte*)start,
        Reserved = HeapOs<TAtomics>.AlignUp(bytes, heap->PageSize),
        Step = HeapOs<TAtomics>.AlignUp(step, heap->PageSize),
    };

    private static int SmallColumns => ClassPlan.LastSmallBlockClass + 2;

    private static int LargeColumns => SizeClasses.Last - ClassPlan.LastSmallBlockClass + 2;

    private static SpacePlan PlanTrees(ref MetadataPlan plan, ulong trees, int columns)
    {
        var row = (ulong)columns * sizeof(ulong);
        var middlesPerTree = 1ul << (TGeometry.TreeShift - TGeometry.WordShift - TGeometry.WordShift);
        return new SpacePlan { Summaries = plan.Add(row), Tops = plan.Add(trees * row), Middles = plan.Add(trees * middlesPerTree * row) };
    }

    private static void PlanBlocks(ref MetadataPlan plan, ulong blocks, ref SpacePlan space, int columns)
    {
        var rows = (blocks + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift;
        space.Leaves = plan.AddPart(rows * (ulong)columns * sizeof(ulong));
        space.Words = plan.AddPart(blocks * sizeof(ulong));
        space.Resident = plan.AddPart(blocks * sizeof(ulong));
        space.Bitmaps = plan.AddPart(blocks * ClassPlan.BitmapWords * sizeof(ulong));
    }

    private struct SpacePlan
    {
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
