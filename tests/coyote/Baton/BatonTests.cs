using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Baton;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;
using BitTreeAlloc.Tests.Explorer.Reports;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Explorer.Baton;

/// <summary>The sampling engine against the exhaustive one.</summary>
public sealed class BatonTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> Programs => new()
    {
        { "store buffering", "W x 1 rel; R y acq || W y 1 rel; R x acq" },
        { "store buffering, fences", "W x 1 rlx; F sc; R y rlx || W y 1 rlx; F sc; R x rlx" },
        { "message passing, relaxed", "W x 1 rlx; W y 1 rlx || R y rlx; R x rlx" },
        { "message passing", "W x 1 rlx; W y 1 rel || R y acq; R x rlx" },
        { "message passing, fences", "W x 1 rlx; F rel; W y 1 rlx || R y rlx; F acq; R x rlx" },
        { "readers of two writers", "W x 1 rel || W y 1 rel || R x acq; R y acq || R y acq; R x acq" },
        { "compare-exchange", "C x 0 1 ar; R y rlx || C x 0 2 ar; W y 1 rlx || R x acq; R x rlx" },
        { "release sequence", "W x 1 rlx; W y 1 rel || A y 1 rlx || R y acq; R x rlx" },
        { "sequentially consistent", "W x 1 sc; R y sc || W y 1 sc; R x sc" },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public void Outcomes_are_those_of_the_graph_engine(string name, string text)
    {
        var exact = OutcomesOf(text, MemoryModel.Rc11);
        var sampled = SampledOutcomesOf(text, MemoryModel.Rc11);
        output.WriteLine($"{name}: {sampled.Count} of {exact.Count}");
        Assert.Subset(exact, sampled);

        // What the sampling cannot show: a store behind which another thread's later one already stands.
        Assert.True(sampled.Count >= OutcomesOf(text, MemoryModel.Sc).Count, name);
    }

    [Fact]
    public void Stale_reads_are_drawn() => Assert.Contains("0,0|", string.Join(' ', SampledOutcomesOf("W x 1 rel; R y acq || W y 1 rel; R x acq", MemoryModel.Rc11)), StringComparison.Ordinal);

    [Fact]
    public void Under_sequential_consistency_no_read_is_stale() =>
        Assert.Subset(OutcomesOf("W x 1 rlx; R y rlx || W y 1 rlx; R x rlx", MemoryModel.Sc), SampledOutcomesOf("W x 1 rlx; R y rlx || W y 1 rlx; R x rlx", MemoryModel.Sc));

    [Fact]
    public void The_planted_bug_is_found_and_shown_as_a_graph()
    {
        var report = BatonExplorer.Explore(new StackWithoutGeneration(["--", "--+", "-+"], 3), new BatonOptions { Iterations = 100_000 });
        Assert.Equal(ModelErrorKind.Assertion, report.Error!.Kind);
        output.WriteLine($"after {report.Executions}");
        output.WriteLine(report.Failure?.Text);
        Assert.Equal(report.Failure!.Error, Replayer.Replay(new StackWithoutGeneration(["--", "--+", "-+"], 3), report.Failure.Token!)!.Error);
    }

    [Fact]
    public void A_race_is_found() =>
        Assert.Equal(ModelErrorKind.DataRace, BatonExplorer.Explore(new Message(MemoryOrder.Plain, MemoryOrder.Relaxed)).Error!.Kind);

    [Theory]
    [InlineData(BatonStrategy.Random)]
    [InlineData(BatonStrategy.Pct)]
    [InlineData(BatonStrategy.UniformWalk)]
    public void A_seed_repeats_its_execution(BatonStrategy strategy)
    {
        var options = new BatonOptions { Strategy = strategy };
        var first = ShapesOf(options, [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.True(first.Distinct().Count() > 1);
        Assert.Equal(Enumerable.Reverse(first), ShapesOf(options, [8, 7, 6, 5, 4, 3, 2, 1]));
    }

    [Fact]
    public void Shards_are_the_whole_in_parts()
    {
        var parts = 0L;
        for (var shard = 0; shard < 3; shard++)
            parts += BatonExplorer.Explore(new PopFree(true, 2, 2), new BatonOptions { Iterations = 100, Shard = shard, Shards = 3 }).Executions;
        Assert.Equal(100, parts);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_shipped_stack_holds(bool wide)
    {
        var report = BatonExplorer.Explore(new PopFree(wide, 3, 2), new BatonOptions { Iterations = 3_000 });
        Assert.Null(report.Error);
        output.WriteLine($"{report.Executions / report.Elapsed.TotalSeconds:0} executions/s");
    }

    private static List<string> ShapesOf(BatonOptions options, ulong[] seeds)
    {
        using var engine = new BatonEngine(new PopFree(true, 3, 2), options);
        var shapes = new List<string>();
        foreach (var seed in seeds)
        {
            engine.Record = new BatonRecord(3);
            engine.RunSeeds(seed, 0, 1, options.Strategy);
            shapes.Add(string.Join('|', engine.Record.ToShape()!.Threads.Select(thread => string.Join(',', thread.Decisions))));
        }

        return shapes;
    }

    private static HashSet<string> OutcomesOf(string text, MemoryModel model) => [.. Model.Litmus.LitmusRunner.Run(Model.Litmus.LitmusProgram.Parse("t:" + text), model).Outcomes];

    private static HashSet<string> SampledOutcomesOf(string text, MemoryModel model)
    {
        var scenario = new LitmusScenario(text);
        var outcomes = new HashSet<string>();
        using var engine = new BatonEngine(scenario, new BatonOptions { Model = model });
        engine.AtEnd = () => outcomes.Add(scenario.OutcomeOf(engine));
        engine.RunSeeds(1, 1, 4_000, BatonStrategy.Portfolio);
        Assert.Null(engine.Error);
        return outcomes;
    }
}
