using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>The steps of DESIGN section 5 in the order in which Supply and Homecoming take them, over the shipped <see cref="Blocks{TAtomics, TGeometry}"/>, without a cache around them.</summary>
internal static unsafe class BlockSteps
{
    /// <summary>T1 to T4. Returns how many slots.</summary>
    public static int Take(BlockWorld world, ulong* slots, int wanted)
    {
        var info = world.Info;
        while (BitTree<ModelAtomics, FourBlockTrees>.TryPick(&world.Space->Trees, info->Column, out var block))
        {
            if (Blocks<ModelAtomics, FourBlockTrees>.TryClaim(world.Space, block, BlockWorld.SizeClass, info->Capacity, out var held))
            {
                var got = TakeHeld(world, block, held, slots, wanted);
                if (got != 0)
                    return got;
            }
        }

        return 0;
    }

    /// <summary>T2 to T4 on block 0, whose leaf the caller did not clear.</summary>
    public static int TakeLast(BlockWorld world, ulong* slots, int wanted) =>
        Blocks<ModelAtomics, FourBlockTrees>.TryClaimUnpicked(world.Space, 0, BlockWorld.SizeClass, world.Info->Capacity, out var held)
            ? TakeHeld(world, 0, held, slots, wanted)
            : 0;

    /// <summary>B1, then one slot of the block.</summary>
    public static int Birth(BlockWorld world, ulong* slots, bool fresh)
    {
        BlockRef block;
        BlockWord held;
        var born = fresh
            ? Births<ModelAtomics, FourBlockTrees>.TryFresh(world.Heap, BlockWorld.SizeClass, out block, out held) == Outcome.Ok
            : Births<ModelAtomics, FourBlockTrees>.TryEmpty(world.Heap, BlockWorld.SizeClass, out block, out held);
        return born ? TakeHeld(world, block.Index, held, slots, 1) : 0;
    }

    /// <summary>G1, G2 and E1 of one slot. Returns how many bits were not set before.</summary>
    public static int Give(BlockWorld world, ulong slot, bool mayHold)
    {
        var block = (slot - BlockWorld.DataBase) >> BlockWorld.BlockShift;
        var mask = 1ul << (BlockWorld.NumberOf(slot) % BlockWorld.Capacity);
        var set = Blocks<ModelAtomics, FourBlockTrees>.SetBits(world.Space, block, &mask, 0, 0);
        if (set == 0)
            return 0;
        if (Blocks<ModelAtomics, FourBlockTrees>.CountFree(world.Space, block, BlockWorld.SizeClass, *world.Info, set, mayHold, out var cursor) == BlockHome.Held)
            Blocks<ModelAtomics, FourBlockTrees>.Empty(world.Space, block, cursor);
        return set;
    }

    private static int TakeHeld(BlockWorld world, ulong block, BlockWord held, ulong* slots, int wanted)
    {
        var taken = Blocks<ModelAtomics, FourBlockTrees>.TakeFree(world.Space, block, *world.Info, held, slots, wanted);
        var carved = Math.Min(wanted - taken, world.Info->Capacity - held.Cursor);
        for (var number = 0; number < carved; number++)
            slots[taken + number] = BlockWorld.SlotAt((int)block, held.Cursor + number);
        // As Supply does: one bit of residency a slot.
        var resident = world.Space->Resident + block;
        var before = ModelAtomics.ReadPlain(resident, Atomics.Site.ResidentRead);
        var after = before;
        for (var number = 0; number < taken + carved; number++)
            after |= 1ul << (BlockWorld.NumberOf(slots[number]) % BlockWorld.Capacity);
        if (after != before)
            ModelAtomics.WritePlain(resident, after, Atomics.Site.ResidentWrite);

        Blocks<ModelAtomics, FourBlockTrees>.Release(world.Space, block, *world.Info, taken, carved);
        return taken + carved;
    }
}
