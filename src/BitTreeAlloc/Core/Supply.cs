using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the way from blocks to a magazine: the cache's last block, then tree A, then a resident empty block, then fresh pages.
/// Invariants: I-U1 a slot that leaves here is below its block's cursor and its bit is clear. I-U2 no user memory is read or written: carving faults in no page.
/// Callers: CacheSlowPath, with the cache's busy word held. Checked by: property tests; refill counters.
/// </summary>
internal static unsafe class Supply<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Takes up to <paramref name="wanted"/> slots of a class; at least one when the outcome is Ok.</summary>
    public static int Take(Heap* heap, CacheRecord* record, int sizeClass, ulong* slots, int wanted, out Outcome outcome)
    {
        if (sizeClass <= SizeClasses.LastSmall)
            return TakeAny(heap, record, sizeClass, slots, wanted, out outcome);

        // Blocks of medium classes are large, so that births of them are rare: what is about to be touched for the first time inside them is fresh memory too.
        var touched = TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures); // order: a figure [H1]
        var got = TakeAny(heap, record, sizeClass, slots, wanted, out outcome);
        if (TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures) != touched) // order: a figure [H1]
            PurgePolicy<TAtomics, TGeometry>.BeforeFresh(heap, record, sizeClass, 0);
        return got;
    }

    private static int TakeAny(Heap* heap, CacheRecord* record, int sizeClass, ulong* slots, int wanted, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var got = TakeFromLast(heap, record, sizeClass, slots, wanted);
        if (got == 0)
            got = TakeFromTree(heap, record, sizeClass, slots, wanted);
        if (got != 0)
            return got;
        if (Births<TAtomics, TGeometry>.TryEmpty(heap, sizeClass, out var block, out var held))
            return TakeHeld(heap, record, block, sizeClass, held, slots, wanted);

        if (PurgePolicy<TAtomics, TGeometry>.BeforeFresh(heap, record, sizeClass))
        {
            // Idle magazines went home: some block may serve after all, without a fault.
            got = TakeFromTree(heap, record, sizeClass, slots, wanted);
            if (got != 0)
                return got;
        }

        outcome = Births<TAtomics, TGeometry>.TryFresh(heap, sizeClass, out block, out held);
        if (outcome != Outcome.Ok && !TryRescue(heap, record, sizeClass, out block, out held, ref outcome))
            return 0;
        return TakeHeld(heap, record, block, sizeClass, held, slots, wanted);
    }

    /// <summary>
    /// The system gave nothing, or the hard limit stands. In this order: blocks that a stopped setter hid, slots that this cache and idle ones (flush) and the recyclers (drain) hold, free pages
    /// of others given back (purge), and the birth once more.
    /// </summary>
    private static bool TryRescue(Heap* heap, CacheRecord* record, int sizeClass, out BlockRef block, out BlockWord held, ref Outcome outcome)
    {
        Births<TAtomics, TGeometry>.RepairAll(heap, sizeClass);
        var found = TryHoldAtHand(heap, record, sizeClass, out block, out held);
        if (!found)
        {
            CacheSlowPath<TAtomics, TGeometry>.FlushOthers(record, sizeClass);
            Trimmer<TAtomics, TGeometry>.EmptyIdle(heap, record);
            Trimmer<TAtomics, TGeometry>.DrainRecyclers(heap, record);
            found = TryHoldAtHand(heap, record, sizeClass, out block, out held);
        }

        if (!found)
        {
            var target = outcome == Outcome.LimitReached ? Limits<TAtomics>.SweepTarget(heap, Births<TAtomics, TGeometry>.BlockBytes(heap, sizeClass)) : 0;
            if (outcome != Outcome.Sealed)
                Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, target);
            outcome = Births<TAtomics, TGeometry>.TryFresh(heap, sizeClass, out block, out held);
            return outcome == Outcome.Ok;
        }

        outcome = Outcome.Ok;
        return true;
    }

    /// <summary>
    /// Takes one slot that reads as zero, from above the cursor of a block that is clean there. 0 with Ok when what is at hand is not clean (an ordinary slot has to be cleared:
    /// fresh pages while free slots lie about would grow the heap for ever), or with the reason.
    /// </summary>
    public static ulong TakeZero(Heap* heap, CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        BlockRef block;
        if (!TryHoldAtHand(heap, record, sizeClass, out block, out var held))
        {
            if (PurgePolicy<TAtomics, TGeometry>.BeforeFresh(heap, record, sizeClass) && TryHoldAtHand(heap, record, sizeClass, out block, out held))
                return CarveZero(heap, record, block, sizeClass, held);
            outcome = Births<TAtomics, TGeometry>.TryFresh(heap, sizeClass, out block, out held);
            if (outcome != Outcome.Ok)
                return 0;
        }

        return CarveZero(heap, record, block, sizeClass, held);
    }

    /// <summary>Carves one slot where the held block is clean above its cursor; otherwise lets go and leaves the block to the ordinary way.</summary>
    private static ulong CarveZero(Heap* heap, CacheRecord* record, BlockRef block, int sizeClass, BlockWord held)
    {
        var info = heap->Classes + sizeClass;
        *CacheRecord.LastBlock(record, sizeClass) = Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index);
        ulong slot = 0;
        if (held.IsZeroAboveCursor && held.Cursor < info->Capacity)
            Carve(heap, record, block, *info, held, 0, &slot, 1);
        else
            Blocks<TAtomics, TGeometry>.Release(block.Space, block.Index, *info, 0, 0);
        return slot;
    }

    /// <summary>Claims a block that can serve the class without fresh pages: the cache's last, one of the class, an empty one.</summary>
    private static bool TryHoldAtHand(Heap* heap, CacheRecord* record, int sizeClass, out BlockRef block, out BlockWord held)
    {
        var last = *CacheRecord.LastBlock(record, sizeClass);
        if (last != 0 && Placement<TAtomics>.TryLocate(heap, last, out block)
            && Blocks<TAtomics, TGeometry>.TryClaimUnpicked(block.Space, block.Index, sizeClass, heap->Classes[sizeClass].Capacity, out held))
            return true;
        return TryHoldFromTree(heap, sizeClass, out block, out held) || Births<TAtomics, TGeometry>.TryEmpty(heap, sizeClass, out block, out held);
    }

    private static int TakeFromLast(Heap* heap, CacheRecord* record, int sizeClass, ulong* slots, int wanted)
    {
        var last = *CacheRecord.LastBlock(record, sizeClass);
        if (last == 0 || !Placement<TAtomics>.TryLocate(heap, last, out var block))
            return 0;
        return Blocks<TAtomics, TGeometry>.TryClaimUnpicked(block.Space, block.Index, sizeClass, heap->Classes[sizeClass].Capacity, out var held)
            ? TakeHeld(heap, record, block, sizeClass, held, slots, wanted)
            : 0;
    }

    private static int TakeFromTree(Heap* heap, CacheRecord* record, int sizeClass, ulong* slots, int wanted) =>
        TryHoldFromTree(heap, sizeClass, out var block, out var held) ? TakeHeld(heap, record, block, sizeClass, held, slots, wanted) : 0;

    /// <summary>Claims the lowest block of the class that has something to give.</summary>
    public static bool TryHoldFromTree(Heap* heap, int sizeClass, out BlockRef block, out BlockWord held)
    {
        var info = heap->Classes + sizeClass;
        for (var number = 0; ; number++)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            if (stretch == null)
            {
                block = default;
                held = default;
                return false;
            }

            block.Space = Placement<TAtomics>.SpaceOf(stretch, info->Kind);
            while (block.Space != null && BitTree<TAtomics, TGeometry>.TryPick(&block.Space->Trees, info->Column, out block.Index))
            {
                if (Blocks<TAtomics, TGeometry>.TryClaim(block.Space, block.Index, sizeClass, info->Capacity, out held))
                    return true;
            }
        }
    }

    /// <summary>T3 and T4 on a block the caller holds: free slots first, they are likely resident; then the cursor.</summary>
    private static int TakeHeld(Heap* heap, CacheRecord* record, BlockRef block, int sizeClass, BlockWord held, ulong* slots, int wanted)
    {
        var info = heap->Classes + sizeClass;
        var start = Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index);
        *CacheRecord.LastBlock(record, sizeClass) = start;
        if (held.Cursor > 0 && held.IsAllHome)
        {
            var kept = &heap->States[sizeClass].Kept;
            if (TAtomics.LoadAcquire(kept, Site.KeptLoad) == start) // order: a hint; a stale one costs one empty block kept too many or too few [H1]
                TAtomics.CompareExchangeAcqRel(kept, start, 0, Site.KeptChange); // order: a hint [H1]
        }

        var taken = Blocks<TAtomics, TGeometry>.TakeFree(block.Space, block.Index, *info, held, slots, wanted);
        return Carve(heap, record, block, *info, held, taken, slots, wanted);
    }

    private static int Carve(Heap* heap, CacheRecord* record, BlockRef block, in ClassInfo info, BlockWord held, int taken, ulong* slots, int wanted)
    {
        var carved = taken * 2 >= wanted ? 0 : Math.Min(info.UnitShift == 0 ? wanted - taken : 1, info.Capacity - held.Cursor);
        var start = Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index);
        var slot = start + ((ulong)held.Cursor * (ulong)info.SlotSize);
        for (var number = 0; number < carved; number++, slot += (ulong)info.SlotSize)
            TAtomics.WritePlain(slots + taken + number, slot, Site.MagazineWrite);
        MarkResident(heap, block, info, start, slots, taken, held.Cursor, carved);
        Blocks<TAtomics, TGeometry>.Release(block.Space, block.Index, info, taken, carved);
        record->PendingInUse += (long)(taken + carved) * info.SlotSize;
        record->SharedOperations += 3;
        return taken + carved;
    }

    /// <summary>Notes the pages that the slots' new owners may touch. Only the holder of the block gets here.</summary>
    private static void MarkResident(Heap* heap, BlockRef block, in ClassInfo info, ulong start, ulong* slots, int taken, int cursor, int carved)
    {
        var shift = block.Space->ResidentShift;
        var address = block.Space->Resident + block.Index;
        var before = TAtomics.ReadPlain(address, Site.ResidentRead);
        var all = ulong.MaxValue >> (64 - (1 << (block.Space->BlockShift - shift)));
        if (before == all)
            return;
        var after = before;
        for (var number = 0; number < taken; number++)
            after |= Range(TAtomics.ReadPlain(slots + number, Site.MagazineRead) - start, (ulong)info.SlotSize, shift);
        if (carved > 0)
            after |= Range((ulong)cursor * (ulong)info.SlotSize, (ulong)carved * (ulong)info.SlotSize, shift);
        if (after == before)
            return;
        TAtomics.WritePlain(address, after, Site.ResidentWrite);
        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, (ulong)BitOperations.PopCount(after & ~before) << shift, Site.HeapFigures); // order: a figure [H1]
    }

    /// <summary>The bits of the pages that a range of a block lies in.</summary>
    public static ulong Range(ulong offset, ulong bytes, int shift)
    {
        var first = (int)(offset >> shift);
        var last = (int)((offset + bytes - 1) >> shift);
        return (ulong.MaxValue << first) & (ulong.MaxValue >> (63 - last));
    }
}
