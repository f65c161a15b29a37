using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Thread 0 owns a cache and frees slots through the hit path's test and the shipped slow path; the others trim. INV10: at the end the cache has flushed for the newest generation, or its next free
/// comes in to do it: no re-arm swallows a signal.
/// </summary>
/// <param name="name">Name.</param>
/// <param name="cached">Slots in the loaded magazine at first (it holds two).</param>
/// <param name="frees">Slots that the owner frees.</param>
/// <param name="trimmers">Threads that trim.</param>
internal sealed unsafe class TrimScenario(string name, int cached, int frees, int trimmers) : Scenario
{
    private BlockWorld _world = null!;
    private CacheRecord* _record;

    public override string Name => $"trim/{name}";

    public override string Claim => "after a trim the cache has flushed for its generation or its next free will, and no slot is lost on the way";

    public override int Threads => 1 + trimmers;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public override int StepBound => 250;

    public override void Prepare(ModelMemory memory)
    {
        var owners = new int[cached + frees + ((cached + frees) & 1)];
        for (var slot = 0; slot < owners.Length; slot++)
            owners[slot] = slot < cached ? BlockStart.Cached : slot < cached + frees ? 1 : 0;
        _world = new BlockWorld(memory, [.. Enumerable.Range(0, owners.Length / 2).Select(block => BlockStart.Used(owners[2 * block], owners[(2 * block) + 1]))]);
        _world.AddRecords(1, 1, 1, withLimits: true);
        _record = _world.RecordAt(0);
        var magazines = _world.AddMagazines(3, withSlots: true);

        // The highest magazine is loaded first: a limit that stays behind would let the hit path run past the end of a lower one.
        var loaded = magazines + 16;
        var top = Magazine.EmptyTop(loaded);
        ModelAtomics.Write(loaded, 2, MemoryOrder.Relaxed, Site.None);
        for (var slot = 0; slot < cached; slot++)
            ModelAtomics.Write(++top, BlockWorld.SlotAt(slot / 2, slot & 1), MemoryOrder.Plain, Site.None);
        if (cached != 0)
        {
            *CacheRecord.Top(_record, BlockWorld.SizeClass) = top;
            ModelAtomics.Write(CacheRecord.Limit(_record, BlockWorld.SizeClass), (ulong)(Magazine.EmptyTop(loaded) + 2), MemoryOrder.Relaxed, Site.None);
        }

        _record->SpareEmpty = (ulong)(magazines + 8);
        NodeStack<ModelAtomics>.TryPush(new NodeArena((ulong)magazines, 6, false), &_world.Heap->EmptyMagazines.Head, magazines, ulong.MaxValue);
        memory.Private(0, _record, sizeof(CacheRecord));
        memory.Private(0, magazines, 24 * sizeof(ulong));
    }

    public override void Body(Run run, int thread)
    {
        if (thread != 0)
        {
            Trimmer<ModelAtomics, FourBlockTrees>.Trim(_world.Heap, null, 2, out _, out _);
            return;
        }

        for (var slot = cached; slot < cached + frees; slot++)
        {
            var address = BlockWorld.SlotAt(slot / 2, slot & 1);
            _world.Users.OnFree(address);
            Free(run, address);
        }

        run.Result(_record->SeenGeneration);
        var loaded = *CacheRecord.Top(_record, BlockWorld.SizeClass);
        run.Result(loaded == CacheRecord.EmptyTop(_record) ? 0 : (ulong)Magazine.CountTo<FourBlockTrees>(loaded));
    }

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        var generation = ModelAtomics.LoadAcquire(&_world.Heap->GenerationLine.Value, Site.None);
        var limit = ModelAtomics.LoadAcquire(CacheRecord.Limit(_record, BlockWorld.SizeClass), Site.None);
        run.Assert(generation == (ulong)trimmers, "a generation was lost");
        run.Assert(run.ResultOf(0, 0) == generation || limit == 0, $"INV10: the cache saw generation {run.ResultOf(0, 0)} of {generation} and its limit stands at {limit:x}");
        CheckSlots(run);
    }

    /// <summary>The hit path of Free (Api), whose limit test is what the trimmer's signal turns off.</summary>
    private void Free(Run run, ulong address)
    {
        var top = *CacheRecord.Top(_record, BlockWorld.SizeClass);
        if ((ulong)top < ModelAtomics.Read(CacheRecord.Limit(_record, BlockWorld.SizeClass), MemoryOrder.Relaxed, Site.None))
        {
            run.Assert(top != CacheRecord.EmptyTop(_record) && Magazine.CountTo<FourBlockTrees>(top) < 2, "the hit path pushes where there is no room");
            ModelAtomics.WritePlain(++top, address, Site.MagazineWrite);
            *CacheRecord.Top(_record, BlockWorld.SizeClass) = top;
            return;
        }

        var outcome = CacheSlowPath<ModelAtomics, FourBlockTrees>.Free(_record, BlockWorld.SizeClass, address);
        run.Assert(outcome == Outcome.Ok, $"a free came to {outcome}");
    }

    /// <summary>INV1: every slot is home or in the cache.</summary>
    private void CheckSlots(Run run)
    {
        var outside = 0;
        for (var block = 0; block < _world.BlockCount; block++)
        {
            var word = new BlockWord(ModelAtomics.LoadAcquire(_world.Space->Words + block, Site.None));
            outside += word.Phase == BlockPhase.InUse ? word.Cursor - word.Free : 0;
        }

        var spare = (ulong*)ModelAtomics.LoadAcquire(CacheRecord.Spare(_record, BlockWorld.SizeClass), Site.None);
        var kept = run.ResultOf(0, 1) + (spare == null ? 0 : (ulong)Magazine.CountTo<FourBlockTrees>(spare)) + (2 * Magazines<ModelAtomics, FourBlockTrees>.RecyclerDepth(_world.Heap, BlockWorld.SizeClass));
        if ((ulong)outside != kept)
            run.Fail(ModelErrorKind.Leak, $"{outside} slots are out of their blocks, cache and recycler have {kept}");
        _world.Users.CheckLeaks(0);
    }
}
