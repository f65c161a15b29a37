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
    /// Purges until <paramref name="goal"/> bytes went back, no more than <paramref name="charge"/> bytes are charged (0: whatever is), or nothing is left. Returns the bytes. Regions first: a call
    /// gives back more of them.
    /// <paramref name="inside"/>: free pages of blocks in use, too.
    /// </summary>
    /// <remarks>
    /// All that is free: whole blocks first, then pages inside blocks, of several blocks by one call where there is one. Each call interrupts every thread that runs, for some microseconds: p99.9 of
    /// an allocation during a trim of 256 MiB was 6 to 12 times that without while calls for single blocks doubled their number, and is 0.9 to 1.1 times so.
    /// </remarks>
    public static ulong Sweep(Heap* heap, ulong goal, ulong charge = 0, bool inside = true)
    {
        var regions = RegionPurge<TAtomics, TGeometry>.Sweep(heap, goal, charge);
        return regions + (regions >= goal ? 0 : SweepBlocks(heap, goal == ulong.MaxValue ? goal : goal - regions, charge, inside));
    }

    /// <summary>As <see cref="Sweep"/>, of blocks alone.</summary>
    public static ulong SweepBlocks(Heap* heap, ulong goal, ulong charge, bool inside)
    {
        var count = 0;
        while (Placement<TAtomics>.StretchAt(heap, count) != null)
            count++;
        if (goal != ulong.MaxValue)
            return SweepSpaces(heap, count, goal, charge, inside, null);
        var purged = SweepSpaces(heap, count, goal, charge, inside: false, null);
        if (!inside)
            return purged;
        PurgeBatch batch = default;
        batch.Reset();
        purged += SweepSpaces(heap, count, goal - purged, charge, inside: true, &batch);
        return purged + InsidePurge<TAtomics, TGeometry>.Flush(heap, &batch);
    }

    private static ulong SweepSpaces(Heap* heap, int stretches, ulong goal, ulong charge, bool inside, PurgeBatch* batch)
    {
        var purged = 0ul;
        for (var number = stretches - 1; number >= 0 && purged < goal && IsAbove(heap, charge); number--)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            for (var space = Stretch.Spaces - 1; space >= 0 && purged < goal; space--)
                purged += SweepSpace(heap, Placement<TAtomics>.SpaceIn(stretch, space), goal - purged, charge, inside, batch);
        }

        return purged;
    }

    private static bool IsAbove(Heap* heap, ulong charge) => charge == 0 || Limits<TAtomics>.Charged(heap) > charge;

    private static ulong SweepSpace(Heap* heap, Space* space, ulong goal, ulong charge, bool inside, PurgeBatch* batch)
    {
        var purged = 0ul;
        var end = TAtomics.LoadAcquire(&space->Frontier, Site.FrontierLoad); // order: acquire [S2]
        while (end > 0 && purged < goal && IsAbove(heap, charge))
        {
            var first = end;
            var most = Math.Min(MaxRunBytes, goal - purged); // No run goes on past the goal: only its last block may lie across it.
            while (first > 0 && ((end - first) << space->BlockShift < most || !IsPageStart(heap, space, first)) && TryHoldEmpty(heap, space, first - 1))
                first--;
            if (first < end)
                purged += PurgeRun(heap, space, first, end);
            else if (inside)
                purged += InsidePurge<TAtomics, TGeometry>.Purge(heap, space, --first, batch);
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
}
