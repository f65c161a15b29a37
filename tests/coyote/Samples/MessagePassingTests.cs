using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Samples;

/// <summary>The worked example of docs/design/explorer.md: its graphs, in its order.</summary>
public class MessagePassingTests
{
    [Fact]
    public void The_example_has_its_three_executions_in_the_order_of_the_page()
    {
        var scenario = new MessagePassing(MemoryOrder.Release);
        Assert.Equal(3, GraphExplorer.Explore(scenario).Result.Executions);
        Assert.Equal([(0, 0), (0, 1), (1, 1)], scenario.Executions);
    }

    [Theory]
    [InlineData(MemoryModel.Rc11, 4)]
    [InlineData(MemoryModel.Net, 4)]
    [InlineData(MemoryModel.Tso, 3)]
    [InlineData(MemoryModel.Sc, 3)]
    public void A_relaxed_flag_shows_stale_data_where_memory_is_weak(MemoryModel model, int executions)
    {
        var scenario = new MessagePassing(MemoryOrder.Relaxed);
        Assert.Equal(executions, GraphExplorer.Explore(scenario, new ExploreOptions { Model = model }).Result.Executions);
        Assert.Equal(executions == 4, scenario.Executions.Contains((1, 0)));
    }

    private sealed unsafe class MessagePassing(MemoryOrder publish) : Scenario
    {
        private ulong* _data;
        private ulong* _flag;

        public List<(ulong Flag, ulong Data)> Executions { get; } = [];

        public override string Name => "example/message-passing";

        public override string Claim => "who sees the flag sees the data";

        public override int Threads => 2;

        public override void Prepare(ModelMemory memory)
        {
            _data = memory.Words("data");
            _flag = memory.Words("flag");
        }

        public override void Body(Run run, int thread)
        {
            if (thread == 0)
            {
                run.Result(ModelAtomics.LoadAcquire(_flag, Site.None));
                run.Result(ModelAtomics.Read(_data, MemoryOrder.Relaxed, Site.None));
                return;
            }

            ModelAtomics.Write(_data, 1, MemoryOrder.Relaxed, Site.None);
            ModelAtomics.Write(_flag, 1, publish, Site.None);
        }

        public override void Check(Run run) => Executions.Add((run.ResultOf(0, 0), run.ResultOf(0, 1)));
    }
}
