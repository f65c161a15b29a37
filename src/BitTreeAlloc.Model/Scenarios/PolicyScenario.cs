using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Threads that are about to touch fresh memory over the budget: one sweeps, the others go on (I-Y1).</summary>
internal sealed unsafe class PolicyScenario(int threads) : Scenario
{
    private readonly nint[] _records = new nint[threads];
    private BlockWorld _world = null!;

    public override string Name => $"policy/one-sweeper-{threads}t";

    public override string Claim => "at most one thread sweeps for the policy at a time, and the flag is never left behind";

    public override int Threads => threads;

    public override int? Bound => threads > 2 ? 5 : null;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Empty, BlockStart.Used(0, 0));
        _world.Heap->Policy.PurgeStep = 256 << 10;
        memory.Register(&_world.Heap->Policy.PurgeStep, "step");
        _world.Heap->Policy.SteadySlack = 64;
        memory.Register(&_world.Heap->Policy.SteadySlack, "most of the steady slack");
        ModelAtomics.StoreRelease(&_world.Heap->TouchedLine.Value, 16 << 20, Site.None);
        for (var thread = 0; thread < threads; thread++)
            _records[thread] = (nint)_world.Record(thread);
        var sweeping = memory.Words("sweeping");
        _world.Users.OnPurge = () => ModelAtomics.Write(sweeping, 1, MemoryOrder.Plain, Site.None);
    }

    public override void Body(Run run, int thread) =>
        run.Result(PurgePolicy<ModelAtomics, FourBlockTrees>.BeforeFresh(_world.Heap, (CacheRecord*)_records[thread], BlockWorld.SizeClass) ? 1ul : 0);

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        var sweeps = 0ul;
        for (var thread = 0; thread < threads; thread++)
            sweeps += run.ResultOf(thread, 0);
        run.Assert(sweeps != 0, "nobody swept");
    }
}
