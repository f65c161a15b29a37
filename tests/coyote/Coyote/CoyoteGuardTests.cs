using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>What has to be true for a pass under Coyote to mean anything.</summary>
public class CoyoteGuardTests
{
    [Fact]
    public void Store_buffering_has_the_three_outcomes_of_sequential_consistency()
    {
        var scenario = new StoreBuffering();
        var report = CoyoteExplorer.Explore(scenario, new CoyoteOptions { Strategy = CoyoteStrategy.DepthFirst, Schedules = 10_000 });
        Assert.Null(report.Error);
        Assert.True(report.IsExhaustive);
        Assert.Equal(3, scenario.Outcomes.Count);
        Assert.DoesNotContain((0ul, 0ul), scenario.Outcomes);

        var graph = new StoreBuffering();
        GraphExplorer.Explore(graph, new ExploreOptions { Model = MemoryModel.Sc });
        Assert.Equal(graph.Outcomes.Order(), scenario.Outcomes.Order());

        // Two threads of two accesses: six interleavings, and depth-first search ends after having seen them all.
        Assert.Equal(6, report.Distinct);
    }

    [Theory]
    [InlineData(CoyoteStrategy.Portfolio)]
    [InlineData(CoyoteStrategy.Random)]
    [InlineData(CoyoteStrategy.DepthFirst)]
    public void A_lost_update_is_found_and_its_trace_replays(object strategy)
    {
        var report = CoyoteExplorer.Explore(new Counter(), new CoyoteOptions { Strategy = (CoyoteStrategy)strategy, Schedules = 1_000, Weakening = Counter.InTwoSteps });
        Assert.Equal(ModelErrorKind.Assertion, report.Error?.Kind);
        Assert.NotEmpty(report.Trace);

        var again = CoyoteExplorer.Explore(new Counter(), new CoyoteOptions { Trace = report.Trace, Weakening = Counter.InTwoSteps });
        Assert.Equal(1, again.Schedules);
        Assert.Equal(report.Error?.Text, again.Error?.Text);
        Assert.Throws<InvalidOperationException>(() => CoyoteExplorer.Explore(new Counter(), new CoyoteOptions { Trace = report.Trace }));
    }

    [Fact]
    public void A_shard_begins_where_the_one_before_it_ends()
    {
        var whole = Trails(0, 40);
        Assert.Equal(whole, Trails(0, 20).Concat(Trails(1, 20)));

        static List<ulong> Trails(uint shard, uint schedules)
        {
            var scenario = new StoreBuffering();
            CoyoteExplorer.Explore(scenario, new CoyoteOptions { Strategy = CoyoteStrategy.Random, Seed = 7, Shard = shard, Schedules = schedules });
            return scenario.History;
        }
    }

    [Fact]
    public void A_thread_that_Coyote_does_not_control_is_no_silent_pass() =>
        Assert.Throws<InvalidOperationException>(() => CoyoteExplorer.Explore(new NoThreads()));

    [Fact]
    public void What_needs_weak_memory_is_not_seen_here_and_is_seen_by_the_graph()
    {
        Assert.Null(CoyoteExplorer.Explore(new Message(), new CoyoteOptions { Strategy = CoyoteStrategy.DepthFirst, Schedules = 1_000, Weakening = Message.Unpublished }).Error);
        Assert.NotNull(GraphExplorer.Explore(new Message(), new ExploreOptions { Weakening = Message.Unpublished }).Result.Error);
        Assert.Null(GraphExplorer.Explore(new Message()).Result.Error);
    }

    [Fact]
    public void Every_value_of_a_choice_comes_up()
    {
        var scenario = new Chooser();
        CoyoteExplorer.Explore(scenario, new CoyoteOptions { Schedules = 100 });
        Assert.Equal<ulong>([0, 1, 2], scenario.Seen.Order());
    }

    [Fact]
    public void A_raw_access_is_caught_with_its_stack()
    {
        var error = CoyoteExplorer.Explore(new RawRead()).Error;
        Assert.Equal(ModelErrorKind.WildPointer, error?.Kind);
        Assert.Contains(nameof(RawRead), error?.Stack);
    }

    [Fact]
    public void Telemetry_is_off() => Assert.Equal("1", Environment.GetEnvironmentVariable("COYOTE_CLI_TELEMETRY_OPTOUT"));
}
