using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the way of pages back to the system: whole blocks with every slot home, in runs of up to 2 MiB, and free pages inside blocks that are in use. Highest addresses first.
/// Invariants: I-P1 a purged page holds no slot that is out: the sweeper holds the block, every slot of the page is a set bit or above the cursor, and only a holder clears bits.
/// I-P2 a purge that fails loses nothing: the block stays resident and is offered again.
/// Callers: PurgePolicy, Trimmer; holding nothing. Several may run at once. Checked by: property tests with failing purges; the explorer's purge scenarios.
/// </summary>
internal static unsafe class Sweeper<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const ulong MaxRunBytes = 2 << 20;

    /// <summary>
    /// Purges until <paramref name="goal"/> bytes went back, no more than <paramref name="charge"/> bytes are charged (0: whatever is), or nothing is left. Returns the bytes.
    /// <paramref name="inside"/>: free pages of blocks in use, too.
    /// </summary>
    public static ulong Sweep(Heap* heap, ulong goal, ulong charge = 0, bool inside = true)
    {
        var count = 0;
        while (Placement<TAtomics>.StretchAt(heap, count) != null)
            count++;

        // All that is free: whole blocks first. Free pages inside blocks lie where threads are at work; given back in passing they are touched again at once, and for as long as the sweep takes every refill
        // there pays page faults (p99.9 of an allocation during a trim of 256 MiB: 2.3 to 3.3 times that without, with this order 1.2 to 1.4).
        var purged = goal == ulong.MaxValue || !inside ? SweepSpaces(heap, count, goal, charge, inside: false) : 0;
        return inside ? purged + SweepSpaces(heap, count, goal - purged, charge, inside: true) : purged;
    }

    private static ulong SweepSpaces(Heap* heap, int stretches, ulong goal, ulong charge, bool inside)
    {
        var purged = 0ul;
        for (var number = stretches - 1; number >= 0 && purged < goal && IsAbove(heap, charge); number--)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            for (var kind = Stretch.Kinds - 1; kind >= 0 && purged < goal; kind--)
                purged += SweepSpace(heap, Placement<TAtomics>.SpaceOf(stretch, kind), goal - purged, charge, inside);
        }

        return purged;
    }

    private static bool IsAbove(Heap* heap, ulong charge) => charge == 0 || Limits<TAtomics>.Charged(heap) > charge;

    private static ulong SweepSpace(Heap* heap, Space* space, ulong goal, ulong charge, bool inside)
    {
        var purged = 0ul;
        var end = TAtomics.LoadAcquire(&space->Frontier, Site.FrontierLoad); // order: acquire [S2]
        while (end > 0 && purged < goal && IsAbove(heap, charge))
        {
            var first = end;
            while (first > 0 && ((end - first) << space->BlockShift < MaxRunBytes || !IsPageStart(heap, space, first)) && TryHoldEmpty(heap, space, first - 1))
                first--;
            if (first < end)
                purged += PurgeRun(heap, space, first, end);
            else if (inside)
                purged += PurgeInside(heap, space, --first);
            else
                first--;
            end = first;
        }

        return purged;
    }

    /// <summary>D1: takes hold of a resident block with every slot home, whether it belongs to a class or not, and empties its bitmap.</summary>
    private static bool TryHoldEmpty(Heap* heap, Space* space, ulong block)
    {
        var address = space->Words + block;
        var word = new BlockWord(TAtomics.LoadAcquire(address, Site.SweepLoad)); // order: acquire [B1]
        if (word.IsClaimed || word.Phase == BlockPhase.Clean || word.NeedsCommit || !word.IsAllHome)
            return false;

        // order: acquire: every give and every earlier holder [B1]
        if (!TAtomics.CompareExchangeAcqRel(address, word.Raw, word.Claim().Raw, Site.SweepClaim))
            return false;
        if (word.Phase == BlockPhase.InUse)
        {
            Blocks<TAtomics, TGeometry>.ClearBitmap(space, block, word.Cursor);

            // The class keeps this block no longer: without this it would take itself to keep one for ever, and keep none.
            var kept = &heap->States[word.Class].Kept;
            var start = Blocks<TAtomics, TGeometry>.FirstSlot(space, block);
            if (TAtomics.LoadAcquire(kept, Site.KeptLoad) == start) // order: a hint [H1]
                TAtomics.CompareExchangeAcqRel(kept, start, 0, Site.KeptChange); // order: a hint [H1]
        }

        return true;
    }

    /// <summary>Purges blocks [first, end), all held with every slot home. Where pages are larger than blocks, the ends of the run that share a page with others stay.</summary>
    private static ulong PurgeRun(Heap* heap, Space* space, ulong first, ulong end)
    {
        var wholeFirst = first;
        while (wholeFirst < end && !IsPageStart(heap, space, wholeFirst))
            wholeFirst++;
        var wholeEnd = end;
        while (wholeEnd > wholeFirst && !IsPageStart(heap, space, wholeEnd))
            wholeEnd--;
        var status = wholeEnd == wholeFirst ? VmStatus.NotSupported
            : HeapOs<TAtomics>.Purge(heap, space->Data.Base + (wholeFirst << space->BlockShift), (wholeEnd - wholeFirst) << space->BlockShift);
        if (status == VmStatus.CommitRefused)
        {
            // Given back, and not committed again: a birth has to commit.
            // order: release, before the blocks are offered [P1]
            TAtomics.StoreRelease(&heap->PurgeLostCommitLine.Value, 1, Site.PurgeLostCommit);
        }

        // Before the blocks are offered: who is born in one finds its room. Pages inside a block in use return nothing, their block counts whole.
        if (status is VmStatus.Ok or VmStatus.CommitRefused)
            Limits<TAtomics>.Return(heap, (wholeEnd - wholeFirst) << space->BlockShift);
        var purged = 0ul;
        for (var block = first; block < end; block++)
        {
            var gone = status is VmStatus.Ok or VmStatus.CommitRefused && block >= wholeFirst && block < wholeEnd;
            if (gone)
            {
                purged += (ulong)BitOperations.PopCount(TAtomics.ReadPlain(space->Resident + block, Site.ResidentRead)) << space->ResidentShift;
                TAtomics.WritePlain(space->Resident + block, 0, Site.ResidentWrite);
            }

            // order: release: the purge and the empty bitmap come before the offer [B1]
            TAtomics.StoreRelease(space->Words + block, (gone ? BlockWord.Cleaned : BlockWord.Emptied).Raw, Site.SweepRelease);
            BitTree<TAtomics, TGeometry>.Set(&space->Trees, gone ? space->CleanColumn : space->EmptyColumn, block);
        }

        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - purged, Site.HeapFigures); // order: a figure [H1]
        return purged;
    }

    private static bool IsPageStart(Heap* heap, Space* space, ulong block) => ((block << space->BlockShift) & (heap->PageSize - 1)) == 0;

    /// <summary>Purges the free pages of a block in use.</summary>
    private static ulong PurgeInside(Heap* heap, Space* space, ulong block)
    {
        var address = space->Words + block;
        var word = new BlockWord(TAtomics.LoadAcquire(address, Site.SweepLoad)); // order: acquire [B1]
        if (word.Phase != BlockPhase.InUse || word.IsClaimed)
            return 0;
        var info = heap->Classes + word.Class;
        var isLarger = heap->PageSize > 1ul << space->BlockShift;
        if (!word.NeedsCommit && (isLarger || ((long)word.Free * info->SlotSize) < 1L << space->ResidentShift))
            return 0;
        if (!TAtomics.CompareExchangeAcqRel(address, word.Raw, word.Claim().Raw, Site.SweepClaim)) // order: acquire [B1]
            return 0;
        var missing = word.NeedsCommit && HeapOs<TAtomics>.Commit(heap, (void*)Blocks<TAtomics, TGeometry>.FirstSlot(space, block), 1ul << space->BlockShift) != VmStatus.Ok;
        var purged = missing ? 0 : PurgePages(heap, space, block, *info, word.Cursor, out missing);
        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - purged, Site.HeapFigures); // order: a figure [H1]
        if (missing != word.NeedsCommit)
            NoteMissing(space, block, missing);
        Blocks<TAtomics, TGeometry>.Release(space, block, *info, 0, 0);
        return purged;
    }

    private static ulong PurgePages(Heap* heap, Space* space, ulong block, in ClassInfo info, int cursor, out bool missing)
    {
        missing = false;
        var resident = TAtomics.ReadPlain(space->Resident + block, Site.ResidentRead);
        var free = FreePages(space, block, info, cursor) & resident;
        var purged = 0ul;
        while (free != 0 && !missing)
        {
            var first = BitOperations.TrailingZeroCount(free);
            var count = BitOperations.TrailingZeroCount(~(free >> first));
            var run = (count == 64 ? ulong.MaxValue : (1ul << count) - 1) << first;
            free &= ~run;
            var start = (void*)(Blocks<TAtomics, TGeometry>.FirstSlot(space, block) + ((ulong)first << space->ResidentShift));
            var status = HeapOs<TAtomics>.Purge(heap, start, (ulong)count << space->ResidentShift);
            if (status is not (VmStatus.Ok or VmStatus.CommitRefused))
                break;

            // Given back, and perhaps not to be had again now: then no slot of the block is handed out until a later sweep commits it. Its live slots go on living.
            missing = status == VmStatus.CommitRefused && HeapOs<TAtomics>.Commit(heap, start, (ulong)count << space->ResidentShift) != VmStatus.Ok;
            resident &= ~run;
            purged += (ulong)count << space->ResidentShift;
        }

        TAtomics.WritePlain(space->Resident + block, resident, Site.ResidentWrite);
        return purged;
    }

    /// <summary>Changes a word that the caller holds; gives go on counting on it meanwhile.</summary>
    private static void NoteMissing(Space* space, ulong block, bool missing)
    {
        var address = space->Words + block;
        BlockWord word;
        do
            word = new BlockWord(TAtomics.LoadAcquire(address, Site.SweepLoad)); // order: acquire [B1]
        while (!TAtomics.CompareExchangeAcqRel(address, word.Raw, word.WithNeedsCommit(missing).Raw, Site.SweepNote)); // order: release with the word [B1]
    }

    /// <summary>Pages of a held block in which every slot is home.</summary>
    private static ulong FreePages(Space* space, ulong block, in ClassInfo info, int cursor)
    {
        var bitmap = space->Bitmaps + (block * (ulong)space->BitmapWords);
        var pageShift = space->ResidentShift;
        var pages = 1 << (space->BlockShift - pageShift);
        var free = 0ul;
        for (var page = 0; page < pages; page++)
        {
            var first = (int)((((ulong)page << pageShift) * info.Reciprocal) >> 32);
            var last = (int)(((((ulong)page + 1) << pageShift) - 1) * info.Reciprocal >> 32);
            if (AllHome(bitmap, first, Math.Min(last, cursor - 1)))
                free |= 1ul << page;
        }

        return free;
    }

    private static bool AllHome(ulong* bitmap, int first, int last)
    {
        for (var slot = first; slot <= last;)
        {
            var count = Math.Min(64 - (slot & 63), last - slot + 1);
            var mask = (count == 64 ? ulong.MaxValue : (1ul << count) - 1) << (slot & 63);

            // order: acquire: the giver's last touch of the slot comes before the purge; held, so a bit seen set stays set [B2]
            if ((TAtomics.LoadAcquire(bitmap + (slot >> 6), Site.BitmapLoad) & mask) != mask)
                return false;
            slot += count;
        }

        return true;
    }
}
