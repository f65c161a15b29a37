using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the purge of free pages inside blocks that are in use: one block by single calls, or several blocks, all held, by one call, where the system has such a call: each call interrupts every
/// thread that runs, and blocks with a slot or two in use are many after a flood.
/// Invariants: I-P1 and I-P2, as the Sweeper. Callers: Sweeper, holding nothing but the batch. Checked by: as the Sweeper; the contract of the systems.
/// </summary>
internal static unsafe class InsidePurge<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Purges the free pages of a block in use, or holds it and puts it into the batch. Returns the bytes that went back by this call.</summary>
    public static ulong Purge(Heap* heap, Space* space, ulong block, PurgeBatch* batch)
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
        if (batch != null && !word.NeedsCommit && batch->IsUsable)
            return Collect(heap, space, block, *info, word.Cursor, batch);
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
            var run = RunOf(free, out var first, out var count);
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

    /// <summary>Puts a held block into the batch; one without a free page is let go.</summary>
    private static ulong Collect(Heap* heap, Space* space, ulong block, in ClassInfo info, int cursor, PurgeBatch* batch)
    {
        var free = FreePages(space, block, info, cursor) & TAtomics.ReadPlain(space->Resident + block, Site.ResidentRead);
        if (free == 0)
        {
            Blocks<TAtomics, TGeometry>.Release(space, block, info, 0, 0);
            return 0;
        }

        var purged = 0ul;
        if (batch->Blocks == PurgeBatch.MaxBlocks || batch->Ranges + ((BitOperations.PopCount(free) + 1) / 2) + 32 > PurgeBatch.MaxRanges)
            purged = Flush(heap, batch);
        PurgeBatch.Add(batch, space, block, free);
        var start = Blocks<TAtomics, TGeometry>.FirstSlot(space, block);
        while (free != 0)
        {
            var run = RunOf(free, out var first, out var count);
            free &= ~run;
            PurgeBatch.RangesOf(batch)[batch->Ranges++] = new VmRange((nuint)(start + ((ulong)first << space->ResidentShift)), (nuint)((ulong)count << space->ResidentShift));
        }

        return purged;
    }

    /// <summary>Purges what the batch holds, by one call or else one by one, and lets the blocks go. Returns the bytes.</summary>
    public static ulong Flush(Heap* heap, PurgeBatch* batch)
    {
        if (batch->Blocks == 0)
            return 0;
        var isPurged = HeapOs<TAtomics>.PurgeRanges(heap, PurgeBatch.RangesOf(batch), batch->Ranges) == VmStatus.Ok;
        var purged = 0ul;
        for (var index = 0; index < batch->Blocks; index++)
        {
            var block = PurgeBatch.BlockAt(batch, index, out var space, out var pages);
            var word = new BlockWord(TAtomics.LoadAcquire(space->Words + block, Site.SweepLoad)); // order: acquire; held, so class and cursor stand [B1]
            var missing = false;
            if (isPurged)
            {
                TAtomics.WritePlain(space->Resident + block, TAtomics.ReadPlain(space->Resident + block, Site.ResidentRead) & ~pages, Site.ResidentWrite);
                purged += (ulong)BitOperations.PopCount(pages) << space->ResidentShift;
            }
            else
            {
                purged += PurgePages(heap, space, block, heap->Classes[word.Class], word.Cursor, out missing);
            }

            if (missing)
                NoteMissing(space, block, missing);
            Blocks<TAtomics, TGeometry>.Release(space, block, heap->Classes[word.Class], 0, 0);
        }

        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - purged, Site.HeapFigures); // order: a figure [H1]
        batch->Reset();
        batch->IsUsable = isPurged;
        return purged;
    }

    private static ulong RunOf(ulong pages, out int first, out int count)
    {
        first = BitOperations.TrailingZeroCount(pages);
        count = BitOperations.TrailingZeroCount(~(pages >> first));
        return (count == 64 ? ulong.MaxValue : (1ul << count) - 1) << first;
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
            var first = info.SlotAt((ulong)page << pageShift);
            var last = info.SlotAt((((ulong)page + 1) << pageShift) - 1);
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
