using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Two caches that each need a new magazine: each gets one of its own, on a committed page.</summary>
internal sealed unsafe class MagazineScenario : Scenario
{
    private const ulong Bytes = 64;
    private readonly nint[] _records = new nint[2];
    private BlockWorld _world = null!;
    private ulong* _owners;
    private ulong _arena;

    public override string Name => "magazines/birth-vs-birth";

    public override string Claim => "a magazine is born once, and its page is committed before";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Unborn);
        _arena = (ulong)memory.Native((int)ModelSystem.Page, (int)ModelSystem.Page);
        _world.Heap->Magazines = new Watermark { Base = (byte*)_arena, Reserved = ModelSystem.Page, Step = ModelSystem.Page };
        memory.Register((ulong*)_arena, "magazine0.link");
        memory.Register((ulong*)(_arena + Bytes), "magazine1.link");
        memory.Register(&_world.Heap->Magazines.Committed, "magazines mark");
        _world.Users.AddPage("magazines", _arena, ModelSystem.Page);
        _owners = memory.Words("magazine.owner", 2);
        for (var thread = 0; thread < 2; thread++)
            _records[thread] = (nint)_world.Record(thread);
    }

    public override void Body(Run run, int thread)
    {
        var magazine = (ulong)Magazines<ModelAtomics, FourBlockTrees>.TryTakeEmpty(_world.Heap, (CacheRecord*)_records[thread], BlockWorld.SizeClass, out var outcome);
        run.Assert(magazine != 0 && outcome == Outcome.Ok, $"no magazine: {outcome}");
        var owner = _owners + ((magazine - _arena) / Bytes);
        run.Assert(ModelAtomics.Read(owner, MemoryOrder.Plain, Site.None) == 0, "a magazine was born twice");
        ModelAtomics.Write(owner, 1, MemoryOrder.Plain, Site.None);
        _world.Users.TouchPage("magazines");
    }

    public override void Check(Run run) =>
        run.Assert(ModelAtomics.LoadAcquire(&_world.Heap->MagazinesNextLine.Value, Site.None) == 2 * Bytes, "a magazine was lost");
}
