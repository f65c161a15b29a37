using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Threads that ensure the first blocks of a stretch are committed and touch them: commits repeat and overlap, the mark only grows and never runs ahead of the pages.</summary>
internal sealed unsafe class WatermarkScenario(string name, bool refuses, params int[][] programs) : Scenario
{
    private BlockWorld _world = null!;

    public override string Name => $"watermark/{name}";

    public override string Claim => "what lies below the mark is committed for whoever sees the mark, and a refusal changes nothing";

    public override int Threads => programs.Length;

    public override void Prepare(ModelMemory memory) =>
        _world = new BlockWorld(memory, [.. Enumerable.Repeat(BlockStart.Unborn, programs.Max(program => program.Max()))]);

    public override void Body(Run run, int thread)
    {
        _world.Users.Refuses = refuses ? _ => run.Choose(2) == 1 : null;
        foreach (var blocks in programs[thread])
        {
            var status = HeapOs<ModelAtomics>.EnsureData(_world.Heap, &_world.Space->Data, (ulong)blocks << BlockWorld.BlockShift);
            run.Assert(status == VmStatus.Ok || refuses, $"a commit came to {status}");
            for (var block = 0; status == VmStatus.Ok && block < blocks; block++)
                _world.Users.TouchPage(BlockWorld.PageName(block));
            run.Result(status == VmStatus.Ok ? (ulong)blocks : 0);
        }
    }

    public override void Check(Run run)
    {
        var mark = ModelAtomics.LoadAcquire(&_world.Space->Data.Committed, Atomics.Site.None) >> BlockWorld.BlockShift;
        for (var block = 0; block < (int)mark; block++)
            run.Assert(_world.Users.IsCommitted(BlockWorld.PageName(block)), $"the mark passed {BlockWorld.PageName(block)}, which is not committed");
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
                run.Assert(run.ResultOf(thread, number) <= mark, "the mark went back");
        }
    }
}
