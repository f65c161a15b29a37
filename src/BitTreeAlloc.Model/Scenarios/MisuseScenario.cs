using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Two threads free through one cache, which is the user's mistake: never are both inside its slow path, the later sees what the first did, and one that is kept out is told so (I-C4).</summary>
internal sealed unsafe class MisuseScenario : Scenario
{
    private BlockWorld _world = null!;
    private CacheRecord* _record;

    public override string Name => "cache/used-by-two-threads";

    public override string Claim => "one thread at a time is inside a slow path of a cache; the other is told that the cache is misused";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Used(1, 2));
        _record = _world.Record(0);
        memory.Private(1, _record, sizeof(CacheRecord));

        // No magazine is to be had, so the slots go home one by one; the refused commit is a place inside the slow path.
        _world.Heap->Magazines = new Watermark { Base = (byte*)(1ul << 44), Reserved = 4 * ModelSystem.Page, Step = ModelSystem.Page };
        memory.Register(&_world.Heap->Magazines.Committed, "magazines mark");
        _world.Users.AddPage("magazines", 1ul << 44, ModelSystem.Page);
        var inside = memory.Words("inside");
        _world.Users.Refuses = _ =>
        {
            ModelAtomics.Write(inside, 1, MemoryOrder.Plain, Site.None);
            return true;
        };
    }

    public override void Body(Run run, int thread)
    {
        var slot = BlockWorld.SlotAt(0, thread);
        _world.Users.OnFree(slot);
        var outcome = CacheSlowPath<ModelAtomics, FourBlockTrees>.Free(_record, BlockWorld.SizeClass, slot);
        run.Assert(outcome is Outcome.Ok or Outcome.CacheMisused, $"a free came to {outcome}");
        run.Result(outcome == Outcome.Ok ? 1ul : 0);
    }

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        run.Assert(run.ResultOf(0, 0) + run.ResultOf(1, 0) != 0, "nobody got in");
        var word = new Bits.BlockWord(ModelAtomics.LoadAcquire(_world.Space->Words, Site.None));
        run.Assert(word.Phase != Bits.BlockPhase.InUse || (ulong)word.Free == run.ResultOf(0, 0) + run.ResultOf(1, 0), "a slot was lost");
    }
}
