using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the only way from the core to the system: every call is counted and stopped by a seal, and commits go by idempotent watermarks that nobody owns.
/// Invariants: I-O1 a call is made while the caller holds at most its own claim. I-O2 a watermark only grows, and only after its commit succeeded. I-O3 what lies
/// below the mark of a stretch of metadata is charged once.
/// Callers: HeapSetup, Births, Sweeper, DirectMappings. Checked by: tests with a failure at the k-th call.
/// </summary>
internal static unsafe class HeapOs<TAtomics>
    where TAtomics : struct, IAtomics
{
    public static VmStatus Reserve(Heap* heap, ulong bytes, ulong alignment, void** address) =>
        TryPass(heap, VmVerb.Reserve, bytes) ? heap->Os.Reserve((nuint)bytes, (nuint)alignment, address) : VmStatus.Sealed;

    public static VmStatus Commit(Heap* heap, void* address, ulong bytes) =>
        TryPass(heap, VmVerb.Commit, bytes) ? heap->Os.Commit(address, (nuint)bytes) : VmStatus.Sealed;

    /// <summary>Frees lazily where the policy says so: then the contents are undefined, not zero. False: it does not, or the system has no such call, or the heap is sealed, and nothing changed.</summary>
    public static bool TryPurgeLazily(Heap* heap, void* address, ulong bytes)
    {
        if (TAtomics.LoadAcquire(&heap->Policy.LazyPurge, Site.HeapFigures) == 0 || IsSealed(heap) // order: a setting [H1]
            || !TryPass(heap, VmVerb.PurgeLazily, bytes) || heap->Os.PurgeLazily(address, (nuint)bytes) != VmStatus.Ok)
            return false;
        TAtomics.FetchAddAcqRel(&heap->LazyBytesLine.Value, bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return true;
    }

    public static VmStatus Purge(Heap* heap, void* address, ulong bytes)
    {
        var status = TryPass(heap, VmVerb.Purge, bytes) ? heap->Os.Purge(address, (nuint)bytes) : VmStatus.Sealed;
        if (status == VmStatus.Ok)
            TAtomics.FetchAddAcqRel(&heap->PurgedBytesLine.Value, bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return status;
    }

    public static VmStatus PurgeRanges(Heap* heap, VmRange* ranges, int count)
    {
        var status = TryPass(heap, VmVerb.Purge, 0) ? heap->Os.PurgeRanges(ranges, count) : VmStatus.Sealed;
        if (status == VmStatus.NotSupported)
            TAtomics.FetchAddAcqRel(&heap->OsCallsLine.Value, ulong.MaxValue, Site.HeapFigures); // order: a figure: a system without that call was not called [H1]
        for (var index = 0; index < count && status == VmStatus.Ok; index++)
            TAtomics.FetchAddAcqRel(&heap->PurgedBytesLine.Value, ranges[index].Bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return status;
    }

    public static VmStatus Release(Heap* heap, void* address, ulong bytes) =>
        TryPass(heap, VmVerb.Release, bytes) ? heap->Os.Release(address, (nuint)bytes) : VmStatus.Sealed;

    public static VmStatus Advise(Heap* heap, void* address, ulong bytes, VmAdvice advice) =>
        TryPass(heap, VmVerb.Advise, bytes) ? heap->Os.Advise(address, (nuint)bytes, advice) : VmStatus.Sealed;

    public static VmStatus CommitHuge(Heap* heap, void* address, ulong bytes, int pageShift) =>
        TryPass(heap, VmVerb.CommitHuge, bytes) ? heap->Os.CommitHuge(address, (nuint)bytes, pageShift) : VmStatus.Sealed;

    public static VmStatus DropHuge(Heap* heap, void* address, ulong bytes)
    {
        var status = TryPass(heap, VmVerb.DropHuge, bytes) ? heap->Os.DropHuge(address, (nuint)bytes) : VmStatus.Sealed;
        if (status == VmStatus.Ok)
            TAtomics.FetchAddAcqRel(&heap->PurgedBytesLine.Value, bytes, Site.HeapFigures); // order: a figure; none needed [H1]
        return status;
    }

    /// <summary>Moves contents by pages where the system grants it, else by a copy.</summary>
    public static VmStatus Move(Heap* heap, ulong from, ulong to, ulong bytes, out ulong copied)
    {
        copied = 0;
        if (!TryPass(heap, VmVerb.MovePages, bytes))
            return VmStatus.Sealed;
        var status = PageMover.MoveOrCopy(heap->Os, (void*)from, (void*)to, (nuint)bytes, (nuint)Math.Max(heap->PageSize, 1ul << 20), out var moved);
        copied = moved;
        return status;
    }

    /// <summary>
    /// Counts a call; false where the heap is sealed and the call is not to be made. A seal may let calls through (they are counted as broken), refuse them, or end the process by its function.
    /// </summary>
    public static bool TryPass(Heap* heap, VmVerb verb, ulong bytes)
    {
        var seal = TAtomics.LoadAcquire(&heap->SealLine.Value, Site.HeapFigures); // order: a setting: who does not see it yet makes one call more [H1]
        if (seal != 0)
        {
            TAtomics.FetchAddAcqRel(&heap->SealBrokenLine.Value, 1, Site.HeapFigures); // order: a figure; none needed [H1]
            if (seal == Heap.SealEnds)
                heap->OnSealBroken(verb, bytes);
            if (seal != Heap.SealCounts)
                return false;
        }

        TAtomics.FetchAddAcqRel(&heap->OsCallsLine.Value, 1, Site.HeapFigures); // order: a figure; none needed [H1]
        return true;
    }

    /// <summary>Whether the heap is sealed: then nothing is purged that nobody asked for.</summary>
    public static bool IsSealed(Heap* heap) => TAtomics.LoadAcquire(&heap->SealLine.Value, Site.HeapFigures) != 0; // order: a setting [H1]

    /// <summary>Makes the first <paramref name="end"/> bytes of a stretch of metadata usable, and charges the heap for what it commits. Commits ahead in growing steps, and no more than asked for where the system refuses more.</summary>
    public static VmStatus Ensure(Heap* heap, Watermark* mark, ulong end) => Ensure(heap, mark, end, out _);

    /// <summary>As above; where the hard limit refused the commit, the status is a refusal and <paramref name="isLimited"/> true.</summary>
    public static VmStatus Ensure(Heap* heap, Watermark* mark, ulong end, out bool isLimited) =>
        Ensure(heap->Os, heap->PageSize, null, heap, mark, end, isCharged: true, out isLimited);

    /// <summary>As above, for blocks: they are charged one by one, at birth.</summary>
    public static VmStatus EnsureData(Heap* heap, Watermark* mark, ulong end) => Ensure(heap->Os, heap->PageSize, null, heap, mark, end, isCharged: false, out _);

    /// <summary>As above, for memory that belongs to no heap; <paramref name="heap"/> is the one that asks.</summary>
    public static VmStatus Ensure(in VmTable os, ulong pageSize, Line* calls, Heap* heap, Watermark* mark, ulong end) => Ensure(os, pageSize, calls, heap, mark, end, isCharged: false, out _);

    private static VmStatus Ensure(in VmTable os, ulong pageSize, Line* calls, Heap* heap, Watermark* mark, ulong end, bool isCharged, out bool isLimited)
    {
        var payer = isCharged ? heap : null;
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
            var status = ChargedCommit(os, calls, heap, mark->Base + from, target - from, payer, out isLimited);
            if (status != VmStatus.Ok && target > needed)
            {
                target = needed;
                status = ChargedCommit(os, calls, heap, mark->Base + from, target - from, payer, out isLimited);
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

    private static VmStatus ChargedCommit(in VmTable os, Line* calls, Heap* heap, void* address, ulong bytes, Heap* payer, out bool isLimited)
    {
        isLimited = payer != null && !Limits<TAtomics>.TryCharge(payer, bytes);
        if (isLimited)
            return VmStatus.CommitRefused;
        var status = calls == null ? Commit(heap, address, bytes) : Commit(os, calls, heap, address, bytes);
        if (status != VmStatus.Ok && payer != null)
            Limits<TAtomics>.Undo(payer, bytes);
        return status;
    }

    private static VmStatus Commit(in VmTable os, Line* calls, Heap* heap, void* address, ulong bytes)
    {
        if (heap != null && IsSealed(heap) && !TryPass(heap, VmVerb.Commit, bytes))
            return VmStatus.Sealed;
        TAtomics.FetchAddAcqRel(&calls->Value, 1, Site.HeapFigures); // order: a figure; none needed [H1]
        return os.Commit(address, (nuint)bytes);
    }
}
