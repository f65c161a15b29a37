using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the only way from the core to the system: every call is counted, and commits go by idempotent watermarks that nobody owns.
/// Invariants: I-O1 a call is made while the caller holds at most its own claim. I-O2 a watermark only grows, and only after its commit succeeded. I-O3 what lies
/// below the mark of a stretch of metadata is charged once.
/// Callers: HeapSetup, Births, Sweeper, DirectMappings. Checked by: tests with a failure at the k-th call.
/// </summary>
internal static unsafe class HeapOs<TAtomics>
    where TAtomics : struct, IAtomics
{
    public static VmStatus Reserve(Heap* heap, ulong bytes, ulong alignment, void** address)
    {
        Count(heap);
        return heap->Os.Reserve((nuint)bytes, (nuint)alignment, address);
    }

    public static VmStatus Commit(Heap* heap, void* address, ulong bytes)
    {
        Count(heap);
        return heap->Os.Commit(address, (nuint)bytes);
    }

    public static VmStatus Purge(Heap* heap, void* address, ulong bytes)
    {
        Count(heap);
        var status = heap->Os.Purge(address, (nuint)bytes);
        if (status == VmStatus.Ok)
            TAtomics.FetchAddAcqRel(&heap->PurgedBytesLine.Value, bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return status;
    }

    public static VmStatus PurgeRanges(Heap* heap, VmRange* ranges, int count)
    {
        var status = heap->Os.PurgeRanges(ranges, count);
        if (status != VmStatus.NotSupported)
            Count(heap); // a system without that call was not called
        for (var index = 0; index < count && status == VmStatus.Ok; index++)
            TAtomics.FetchAddAcqRel(&heap->PurgedBytesLine.Value, ranges[index].Bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return status;
    }

    public static VmStatus Release(Heap* heap, void* address, ulong bytes)
    {
        Count(heap);
        return heap->Os.Release(address, (nuint)bytes);
    }

    public static void Advise(Heap* heap, void* address, ulong bytes, VmAdvice advice)
    {
        Count(heap);
        _ = heap->Os.Advise(address, (nuint)bytes, advice);
    }

    /// <summary>Makes the first <paramref name="end"/> bytes of a stretch of metadata usable, and charges the heap for what it commits. Commits ahead in growing steps, and no more than asked for where the system refuses more.</summary>
    public static VmStatus Ensure(Heap* heap, Watermark* mark, ulong end) => Ensure(heap, mark, end, out _);

    /// <summary>As above; where the hard limit refused the commit, the status is a refusal and <paramref name="isLimited"/> true.</summary>
    public static VmStatus Ensure(Heap* heap, Watermark* mark, ulong end, out bool isLimited) =>
        Ensure(heap->Os, heap->PageSize, &heap->OsCallsLine, mark, end, heap, out isLimited);

    /// <summary>As above, for blocks: they are charged one by one, at birth.</summary>
    public static VmStatus EnsureData(Heap* heap, Watermark* mark, ulong end) => Ensure(heap->Os, heap->PageSize, &heap->OsCallsLine, mark, end, null, out _);

    /// <summary>As above, for memory that belongs to no heap.</summary>
    public static VmStatus Ensure(in VmTable os, ulong pageSize, Line* calls, Watermark* mark, ulong end) => Ensure(os, pageSize, calls, mark, end, null, out _);

    private static VmStatus Ensure(in VmTable os, ulong pageSize, Line* calls, Watermark* mark, ulong end, Heap* payer, out bool isLimited)
    {
        isLimited = false;
        for (; ; )
        {
            // order: acquire: whoever published the mark committed below it [W1]
            var committed = TAtomics.LoadAcquire(&mark->Committed, Site.WatermarkLoad);
            if (end <= committed)
                return VmStatus.Ok;

            // A quarter more each time: calls grow with the logarithm of the size.
            var needed = Math.Min(AlignUp(end, pageSize), mark->Reserved);
            var target = Math.Min(Math.Max(needed, committed + Math.Max(mark->Step, AlignUp(committed / 4, pageSize))), mark->Reserved);
            var from = committed;
            var status = ChargedCommit(os, calls, mark->Base + from, target - from, payer, out isLimited);
            if (status != VmStatus.Ok && target > needed)
            {
                target = needed;
                status = ChargedCommit(os, calls, mark->Base + from, target - from, payer, out isLimited);
            }

            if (status != VmStatus.Ok)
                return status;

            // order: release publishes the commit; whoever is ahead stays ahead, and two racers have committed the same pages twice, which changes nothing [W1]
            var isRaised = false;
            while (committed < target && !(isRaised = TAtomics.CompareExchangeAcqRel(&mark->Committed, committed, target, Site.WatermarkRaise)))
                committed = TAtomics.LoadAcquire(&mark->Committed, Site.WatermarkLoad); // order: as above [W1]

            // Of pages that two racers committed, who raised the mark over them pays.
            if (payer != null)
                Limits<TAtomics>.Undo(payer, isRaised ? committed - from : target - from);
        }
    }

    public static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);

    private static VmStatus ChargedCommit(in VmTable os, Line* calls, void* address, ulong bytes, Heap* payer, out bool isLimited)
    {
        isLimited = payer != null && !Limits<TAtomics>.TryCharge(payer, bytes);
        if (isLimited)
            return VmStatus.CommitRefused;
        var status = Commit(os, calls, address, bytes);
        if (status != VmStatus.Ok && payer != null)
            Limits<TAtomics>.Undo(payer, bytes);
        return status;
    }

    private static VmStatus Commit(in VmTable os, Line* calls, void* address, ulong bytes)
    {
        TAtomics.FetchAddAcqRel(&calls->Value, 1, Site.HeapFigures); // order: a figure; none needed [H1]
        return os.Commit(address, (nuint)bytes);
    }

    private static void Count(Heap* heap) => TAtomics.FetchAddAcqRel(&heap->OsCallsLine.Value, 1, Site.HeapFigures); // order: a figure; none needed [H1]
}
