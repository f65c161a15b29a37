using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Engine;

/// <summary>The heavy half of an asymmetric barrier: it stands for a full fence in every other thread, and for no more.</summary>
public sealed unsafe class ProcessWideFenceTests
{
    public static TheoryData<MemoryModel> Models => [MemoryModel.Rc11, MemoryModel.Net, MemoryModel.Tso, MemoryModel.Sc];

    [Theory]
    [MemberData(nameof(Models))]
    public void Store_buffering_is_forbidden_when_one_thread_fences_the_whole_process(MemoryModel model) =>
        Assert.Equal(3, OutcomesOf(new StoreBuffering(Fence.ProcessWide, threads: 2), model));

    [Theory]
    [InlineData(MemoryModel.Rc11)]
    [InlineData(MemoryModel.Net)]
    [InlineData(MemoryModel.Tso)]
    public void Store_buffering_is_allowed_when_one_thread_fences_itself_alone(MemoryModel model) =>
        Assert.Equal(4, OutcomesOf(new StoreBuffering(Fence.Own, threads: 2), model));

    [Theory]
    [InlineData(MemoryModel.Rc11)]
    [InlineData(MemoryModel.Net)]
    [InlineData(MemoryModel.Tso)]
    public void The_fence_orders_its_caller_with_each_other_thread_and_not_those_among_themselves(MemoryModel model)
    {
        // A ring of three: each stores its own word and loads the next one's. One fence leaves the two others unfenced against each other (both words may still lie in a buffer
        // when they pass it, one before its store, one after its load); three close the ring.
        Assert.Equal(8, OutcomesOf(new StoreBuffering(Fence.ProcessWide, threads: 3), model));
        Assert.Equal(7, OutcomesOf(new StoreBuffering(Fence.ProcessWideByAll, threads: 3), model));
        Assert.Equal(4, OutcomesOf(new StoreBuffering(Fence.ProcessWideByABystander, threads: 2), model));
    }

    private static int OutcomesOf(StoreBuffering scenario, MemoryModel model)
    {
        var report = GraphExplorer.Explore(scenario, new ExploreOptions { Model = model });
        Assert.Null(report.Result.Error);
        Assert.True(report.Result.IsExhaustive);
        return scenario.Outcomes.Count;
    }

    private enum Fence
    {
        None,
        Own,
        ProcessWide,
        ProcessWideByAll,
        ProcessWideByABystander,
    }

    /// <summary>Each thread stores its word and loads the next one's; thread 0 has a fence in between, or a bystander does nothing but fence.</summary>
    private sealed class StoreBuffering(Fence fence, int threads) : Scenario
    {
        private readonly nint[] _words = new nint[threads];

        public HashSet<string> Outcomes { get; } = [];

        public override string Name => "test/asymmetric-store-buffering";

        public override string Claim => "what the fence forbids";

        public override int Threads => fence == Fence.ProcessWideByABystander ? threads + 1 : threads;

        public override void Prepare(ModelMemory memory)
        {
            for (var thread = 0; thread < threads; thread++)
                _words[thread] = (nint)memory.Words($"w{thread}");
        }

        public override void Body(Run run, int thread)
        {
            if (thread == threads)
            {
                ModelAtomics.FenceProcessWide(Site.None);
                return;
            }

            ModelAtomics.StoreRelease((ulong*)_words[thread], 1, Site.None);
            if (thread == 0 && fence == Fence.Own)
                ModelAtomics.FenceSeqCst(Site.None);
            if (fence == Fence.ProcessWideByAll || (thread == 0 && fence == Fence.ProcessWide))
                ModelAtomics.FenceProcessWide(Site.None);
            run.Result(ModelAtomics.LoadAcquire((ulong*)_words[(thread + 1) % threads], Site.None));
        }

        public override void Check(Run run) => Outcomes.Add(string.Join(',', Enumerable.Range(0, threads).Select(thread => run.ResultOf(thread, 0))));
    }
}
