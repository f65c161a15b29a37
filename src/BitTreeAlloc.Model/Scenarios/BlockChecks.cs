using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What must hold of every block at rest: INV1 to INV4.</summary>
internal static unsafe class BlockChecks
{
    /// <summary>End check of all blocks. Where a thread was stopped, one block may be held by it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="world">The blocks.</param>
    /// <param name="mayHold">Blocks that a stopped thread may hold or hide.</param>
    public static void AtRest(Run run, BlockWorld world, int mayHold = 0)
    {
        var space = world.Space;
        var frontier = ModelAtomics.LoadAcquire(&space->Frontier, Site.None);
        var hidden = 0;
        for (var block = 0ul; block < (ulong)world.BlockCount; block++)
        {
            var word = new BlockWord(ModelAtomics.LoadAcquire(space->Words + block, Site.None));
            var bits = ModelAtomics.LoadAcquire(space->Bitmaps + block, Site.None);
            if (block >= frontier)
            {
                run.Assert(word.Raw == 0 && bits == 0, $"block {block} above the frontier is {word}");
                continue;
            }

            if (word.IsClaimed)
            {
                if (mayHold == 0)
                    run.Fail(ModelErrorKind.Leak, $"block {block} is held by nobody: {word}");
                hidden++;
                continue;
            }

            hidden += CheckBlock(run, world, block, word, bits, mayHold != 0) ? 0 : 1;
        }

        run.Assert(hidden <= mayHold, $"{hidden} blocks are held or hidden by one stopped thread");
    }

    private static bool CheckBlock(Run run, BlockWorld world, ulong block, BlockWord word, ulong bits, bool isStopped)
    {
        var space = world.Space;
        if (word.Phase != BlockPhase.InUse)
        {
            run.Assert(bits == 0, $"block {block} of no class has slot bits {bits:x}");
            return IsOffered(run, world, block, word.Phase == BlockPhase.Empty ? space->EmptyColumn : space->CleanColumn, isStopped);
        }

        var info = world.Heap->Classes + word.Class;
        run.Assert(word.Cursor <= info->Capacity, $"block {block}: the cursor passed the capacity: {word}");
        run.Assert(bits >> word.Cursor == 0, $"block {block}: a slot above the cursor is free: {word}, bits {bits:x}");

        var resident = ModelAtomics.ReadPlain(space->Resident + block, Site.None);
        var outside = ~bits & ((1ul << word.Cursor) - 1);
        run.Assert((outside & ~resident) == 0, $"block {block}: slots {outside:x} are out, pages {resident:x} count as resident");

        // A stopped giver may have set bits whose count never comes.
        if (!isStopped)
            run.Assert(word.Free == BitOperations.PopCount(bits), $"INV2: block {block} counts {word.Free}, bits {bits:x}");
        return !word.IsAvailable(info->Capacity) || IsOffered(run, world, block, info->Column, isStopped);
    }

    private static bool IsOffered(Run run, BlockWorld world, ulong block, int column, bool isStopped)
    {
        var view = &world.Space->Trees;
        var isSet = BitTree<ModelAtomics, FourBlockTrees>.IsSet(view, column, block) && TreeChecks.HasParents<FourBlockTrees>(view, column, block);
        if (!isSet && !isStopped)
            run.Fail(ModelErrorKind.Leak, $"INV4: block {block} is available and its leaf or a parent in column {column} is clear");
        return isSet;
    }
}
