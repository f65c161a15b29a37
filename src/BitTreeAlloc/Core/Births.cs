using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the step that gives a block to a class (B1): from the resident empty blocks, else from the purged ones, else a first birth at the frontier.
/// Invariants: I-N1 a block below the frontier has its metadata and data committed. I-N2 the class map is written before any slot of the block is handed out.
/// I-N3 a block is charged before it is born or committed (I-L1).
/// Callers: Supply, holding nothing. Checked by: out-of-memory tests at the k-th call, property tests; the explorer's birth scenarios.
/// </summary>
internal static unsafe class Births<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Rows of leaf words, all columns, whose parents one birth repairs: the sweep of the whole tree is spread over births, and done at once before memory is declared short.</summary>
    private const ulong RepairStep = 2;

    /// <summary>Claims a resident block of no class for <paramref name="sizeClass"/>.</summary>
    public static bool TryEmpty(Heap* heap, int sizeClass, out BlockRef block, out BlockWord held)
    {
        var info = heap->Classes + sizeClass;
        for (var number = 0; ; number++)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            if (stretch == null)
                break;
            var space = Placement<TAtomics>.SpaceOf(stretch, info->Kind);
            if (space == null)
                continue;
            Repair(space);
            if (TryPicked(space, space->EmptyColumn, BlockPhase.Empty, sizeClass, out block, out held))
                return true;
        }

        block = default;
        held = default;
        return false;
    }

    /// <summary>Claims a block that needs pages. It is charged first, and the charge is undone where nothing came of it.</summary>
    public static Outcome TryFresh(Heap* heap, int sizeClass, out BlockRef block, out BlockWord held)
    {
        var bytes = BlockBytes(heap, sizeClass);
        if (!Limits<TAtomics>.TryCharge(heap, bytes))
        {
            block = default;
            held = default;
            return Outcome.LimitReached;
        }

        var outcome = FindFresh(heap, sizeClass, out block, out held);
        if (outcome != Outcome.Ok)
            Limits<TAtomics>.Undo(heap, bytes);
        return outcome;
    }

    /// <summary>Bytes of a block of the class: what its birth is charged.</summary>
    public static ulong BlockBytes(Heap* heap, int sizeClass) => 1ul << heap->Classes[sizeClass].BlockShift;

    private static Outcome FindFresh(Heap* heap, int sizeClass, out BlockRef block, out BlockWord held)
    {
        var info = heap->Classes + sizeClass;
        var isFirst = true;
        for (var number = 0; ; number++)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            if (stretch == null)
            {
                var outcome = Stretches<TAtomics, TGeometry>.Add(heap, number, info->Kind >> 1, isFirst);
                if (outcome != Outcome.Ok)
                {
                    block = default;
                    held = default;
                    return outcome;
                }

                number--;
                continue;
            }

            var space = Placement<TAtomics>.SpaceOf(stretch, info->Kind);
            if (space == null)
                continue;
            isFirst = false;
            if (TryPicked(space, space->CleanColumn, BlockPhase.Clean, sizeClass, out block, out held))
                return Recommit(heap, block);
            var found = TryFrontier(heap, space, sizeClass, out block, out held, out var full);
            if (!full)
                return found;
        }
    }

    /// <summary>A purge may have lost the commit of a clean block (Windows). Refused again: the block stays clean, and on offer.</summary>
    private static Outcome Recommit(Heap* heap, BlockRef block)
    {
        if (TAtomics.LoadAcquire(&heap->PurgeLostCommitLine.Value, Site.PurgeLostCommit) == 0) // order: acquire: set before any such block was offered [P1]
            return Outcome.Ok;
        var status = HeapOs<TAtomics>.Commit(heap, (void*)Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index), 1ul << block.Space->BlockShift);
        if (status != VmStatus.Ok)
        {
            TAtomics.StoreRelease(block.Space->Words + block.Index, BlockWord.Cleaned.Raw, Site.BirthUndo); // order: release; held, and no slot is out [B1]
            BitTree<TAtomics, TGeometry>.Set(&block.Space->Trees, block.Space->CleanColumn, block.Index);
        }

        return Outcomes.From(status);
    }

    private static bool TryPicked(Space* space, int column, BlockPhase phase, int sizeClass, out BlockRef block, out BlockWord held)
    {
        block.Space = space;
        while (BitTree<TAtomics, TGeometry>.TryPick(&space->Trees, column, out block.Index))
        {
            var address = space->Words + block.Index;
            for (; ; )
            {
                var word = new BlockWord(TAtomics.LoadAcquire(address, Site.BirthLoad)); // order: acquire [B1]
                if (word.IsClaimed || word.Phase != phase)
                {
                    // order: giving up is a write, as in Blocks.TryClaim: the holder sees the cleared leaf [B1]
                    if (TAtomics.CompareExchangeAcqRel(address, word.Raw, word.Raw, Site.BirthConfirm))
                        break;
                    continue;
                }

                held = word.Born(sizeClass);

                // order: acquire: the last holder's bitmap and purge; release: nothing yet [B1]
                if (!TAtomics.CompareExchangeAcqRel(address, word.Raw, held.Raw, Site.BirthClaim))
                    continue;

                // Slots freed twice at once may have left bits behind: whoever is born here must not find them.
                if (phase == BlockPhase.Empty)
                    Blocks<TAtomics, TGeometry>.ClearBitmap(space, block.Index, space->BitmapWords << 6);
                WriteClass(space, block.Index, sizeClass);
                return true;
            }
        }

        held = default;
        return false;
    }

    private static Outcome TryFrontier(Heap* heap, Space* space, int sizeClass, out BlockRef block, out BlockWord held, out bool full)
    {
        block.Space = space;
        held = default;
        for (; ; )
        {
            block.Index = TAtomics.LoadAcquire(&space->Frontier, Site.FrontierLoad); // order: acquire [S2]
            full = block.Index >= space->BlockCount;
            if (full)
                return Outcome.Ok;

            // Committed before the block exists for anybody: a refusal, or a stop, changes nothing that others see.
            var outcome = CommitBlock(heap, space, block.Index);
            if (outcome != Outcome.Ok)
                return outcome;

            // order: release: metadata and data below the new frontier are committed [S2]
            if (!TAtomics.CompareExchangeAcqRel(&space->Frontier, block.Index, block.Index + 1, Site.FrontierAdvance))
                continue;
            held = new BlockWord(0).Born(sizeClass);
            TAtomics.StoreRelease(space->Words + block.Index, held.Raw, Site.BirthFirst); // order: release; the block is in no tree yet, so the store cannot race with a claim [B1]
            WriteClass(space, block.Index, sizeClass);
            return Outcome.Ok;
        }
    }

    private static Outcome CommitBlock(Heap* heap, Space* space, ulong block)
    {
        var after = block + 1;
        var leafRows = (block >> TGeometry.WordShift) + 1;
        var status = HeapOs<TAtomics>.Ensure(heap, &space->WordMark, after * sizeof(ulong), out var isLimited);
        if (status == VmStatus.Ok)
            status = HeapOs<TAtomics>.Ensure(heap, &space->LeafMark, leafRows * space->Trees.Columns * sizeof(ulong), out isLimited);
        if (status == VmStatus.Ok)
            status = HeapOs<TAtomics>.Ensure(heap, &space->ResidentMark, after * sizeof(ulong), out isLimited);
        if (status == VmStatus.Ok)
            status = HeapOs<TAtomics>.Ensure(heap, &space->BitmapMark, after * (ulong)space->BitmapWords * sizeof(ulong), out isLimited);
        if (status == VmStatus.Ok && heap->Checked)
            status = HeapOs<TAtomics>.Ensure(heap, &space->LiveMark, space->LiveMarkLead + ((after << space->BlockShift) >> LiveMarks.ShiftOf(space->FirstClass)), out isLimited);
        if (status == VmStatus.Ok)
            status = HeapOs<TAtomics>.EnsureData(heap, &space->Data, after << space->BlockShift);
        if (status == VmStatus.Ok)
            HugePages<TAtomics>.AdviseBlocks(heap, space);
        return isLimited ? Outcome.LimitReached : Outcomes.From(status);
    }

    private static void WriteClass(Space* space, ulong block, int sizeClass)
    {
        if (space->Map == null)
            return;
        var granules = 1ul << (space->BlockShift - Stretch.GranuleShift);
        var map = space->Map + (block * granules);
        for (var granule = 0ul; granule < granules; granule++)
            TAtomics.WriteByte(map + granule, (byte)sizeClass, Site.ClassMapWrite);
    }

    /// <summary>X1 at once, over every leaf word that can serve the class: "none" may be answered only after it.</summary>
    public static void RepairAll(Heap* heap, int sizeClass)
    {
        var info = heap->Classes + sizeClass;
        for (var number = 0; ; number++)
        {
            var stretch = Placement<TAtomics>.StretchAt(heap, number);
            if (stretch == null)
                return;
            var space = Placement<TAtomics>.SpaceOf(stretch, info->Kind);
            if (space == null)
                continue;
            var rows = Rows(space);
            BitTree<TAtomics, TGeometry>.Sweep(&space->Trees, info->Column, 0, rows);
            BitTree<TAtomics, TGeometry>.Sweep(&space->Trees, space->EmptyColumn, 0, rows);
            BitTree<TAtomics, TGeometry>.Sweep(&space->Trees, space->CleanColumn, 0, rows);
        }
    }

    private static ulong Rows(Space* space) =>
        (TAtomics.LoadAcquire(&space->Frontier, Site.FrontierLoad) + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift; // order: acquire [S2]

    /// <summary>X1, a few rows at a time; a row of all columns lies side by side.</summary>
    private static void Repair(Space* space)
    {
        var rows = Rows(space);
        if (rows == 0)
            return;
        var first = TAtomics.LoadAcquire(&space->SweepCursor, Site.RepairCursor) % rows; // order: a hint; none needed [H1]
        var count = Math.Min(RepairStep, rows - first);
        for (var column = 0; column <= space->CleanColumn; column++)
            BitTree<TAtomics, TGeometry>.Sweep(&space->Trees, column, first, count);
        TAtomics.StoreRelease(&space->SweepCursor, first + count, Site.RepairCursor); // order: a hint: a lost step repairs a word twice [H1]
    }
}
