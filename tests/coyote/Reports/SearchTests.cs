using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>Splitting the search, estimating it, and what it covers.</summary>
public sealed class SearchTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Results_are_identical_at_any_number_of_workers(bool wide)
    {
        var expected = GraphExplorer.Explore(new PopFree(wide, 2, 2)).Result;
        for (var workers = 1; workers <= 4; workers++)
        {
            var result = ParallelExplorer.Explore(() => new PopFree(wide, 2, 2), workers: workers).Result;
            Assert.Equal(expected, result);
        }
    }

    [Fact]
    public void The_error_is_the_same_one_at_any_number_of_workers()
    {
        var first = ParallelExplorer.Explore(Planted, workers: 1).Result;
        Assert.NotNull(first.Error);
        for (var workers = 2; workers <= 4; workers++)
            Assert.Equal(first, ParallelExplorer.Explore(Planted, workers: workers).Result);

        static Scenario Planted() => new StackWithoutGeneration(["-+-", "--+", "--"], 3);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_bound_cuts_the_search_the_same_way_for_workers(int bound)
    {
        var options = new ExploreOptions { Bound = bound };
        var expected = GraphExplorer.Explore(new PopFree(true, 3, 2), options).Result;
        Assert.False(expected.IsExhaustive);
        Assert.Equal(expected, ParallelExplorer.Explore(() => new PopFree(true, 3, 2), options, workers: 2).Result);
    }

    [Fact]
    public void The_estimate_has_the_order_of_magnitude()
    {
        var scenario = new PopFree(true, 2, 2);
        var graphs = GraphExplorer.Explore(scenario).Result;
        var estimate = SizeEstimate.Of(scenario, descents: 2_000);
        Assert.InRange(estimate, graphs.Executions / 3.0, (graphs.Executions + graphs.Discarded) * 3.0);
        Assert.Equal("about 5e5 executions", SizeEstimate.TextOf(512_345));
    }

    [Fact]
    public void Coverage_sees_failures_sources_and_weak_executions()
    {
        var report = CoverageCollector.Of(new PopFree(true, 2, 2));
        Assert.True(report.IsExhaustive);
        Assert.True(report.FinalStates > 1);
        var pop = report.Sites.Single(site => site.Site == Site.StackPop);
        Assert.True(pop is { Successes: > 0, Failures: > 0, MostSources: > 1 });
        Assert.Empty(report.Flags);
    }

    [Fact]
    public void A_scenario_of_memory_order_that_interleavings_explain_is_flagged()
    {
        Assert.Contains(CoverageCollector.Of(new Message(MemoryOrder.Relaxed, MemoryOrder.Release)).Flags, flag => flag.StartsWith("every execution is a plain interleaving", StringComparison.Ordinal));
        var racy = CoverageCollector.Of(new WeakPair());
        Assert.Equal((4, 1, 1), (racy.Complete, racy.WeakOnly, racy.BeyondTso));
        Assert.Empty(racy.Flags);
    }

    [Fact]
    public void Coverage_counts_what_came_back() =>
        Assert.Contains(CoverageCollector.Of(new StackWithoutGeneration(["-", "-+"], 2)).Sites, site => site.Aba > 0);

    [Fact]
    public void A_scenario_whose_threads_do_not_meet_is_flagged() =>
        Assert.Contains(CoverageCollector.Of(new StackWithoutGeneration(["-+"], 2)).Flags, flag => flag.StartsWith("there is one execution only", StringComparison.Ordinal));
}
