using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bench.Recycler;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.SlotArrays;

/// <summary>The recycler variant of docs/adr/0009: what was compared with the stack was correct.</summary>
public sealed class SlotArrayTests(ITestOutputHelper output)
{
    /// <summary>A give in front of the scan, behind which the only other item is taken: the bag was never empty.</summary>
    private static SlotArrayScenario FalseEmpty(bool isStrict) => new("false-empty", 2, 1, "p", "0u1p") { IsStrict = isStrict };

    public static TheoryData<string> Names => [.. All().Select(scenario => scenario.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_execution_has_one_owner_per_item_and_finds_what_lies_still(string name)
    {
        var scenario = All().Single(candidate => candidate.Name == name);
        var report = GraphExplorer.Explore(scenario);
        output.WriteLine($"{name}: {report.Result.Executions} executions, {(report.Result.IsExhaustive ? "exhaustive" : $"bound {scenario.Bound}")}, "
            + $"steps {string.Join(", ", report.Steps.Select(step => $"{step.Key} {step.Value}"))}, answers of a scan {scenario.ScanAnswers}, {report.Elapsed.TotalSeconds:f2} s");
        Assert.True(report.Result.Error == null, $"{report.Result.Error?.Kind}: {report.Result.Error?.Text}");
        Assert.True(report.Result.Executions > 1);
        Assert.Equal(scenario.Bound == null, report.Result.IsExhaustive);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_call_takes_more_than_two_operations_per_place(string name)
    {
        var scenario = All().Single(candidate => candidate.Name == name);
        Assert.All(GraphExplorer.Explore(scenario).Steps, step => Assert.InRange(step.Value, 0, 2 * scenario.Places));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void With_any_thread_stopped_for_ever_anywhere_the_others_finish(string name)
    {
        var report = GraphExplorer.Stall(All().Single(candidate => candidate.Name == name), new ExploreOptions { MaxExecutions = 5000 });
        Assert.True(report.Error == null, $"{report.Where}: {report.Error?.Kind}: {report.Error?.Text}");
        Assert.True(report.Stops > 1);
    }

    [Fact]
    public void Empty_may_be_answered_of_a_bag_that_never_was_empty()
    {
        var error = GraphExplorer.Explore(FalseEmpty(isStrict: true)).Result.Error;
        output.WriteLine($"{error?.Text}");
        Assert.Equal(ModelErrorKind.NotLinearizable, error?.Kind);
        var scan = FalseEmpty(isStrict: false);
        Assert.Null(GraphExplorer.Explore(scan).Result.Error);
        Assert.True(scan.ScanAnswers > 0);
    }

    [Theory]
    [InlineData(SlotSites.Give, WeakeningKind.NoRelease, ModelErrorKind.DataRace)]
    [InlineData(SlotSites.Take, WeakeningKind.NoAcquire, ModelErrorKind.DataRace)]
    [InlineData(SlotSites.Take, WeakeningKind.Split, ModelErrorKind.DataRace)]
    [InlineData(SlotSites.Give, WeakeningKind.Split, ModelErrorKind.Leak)]
    public void A_weakened_step_is_found(Site site, WeakeningKind kind, ModelErrorKind expected)
    {
        var weak = new ExploreOptions { Weakening = new SiteWeakening(site, kind) };
        var errors = All().Select(scenario => (scenario.Name, GraphExplorer.Explore(scenario, weak).Result.Error)).Where(found => found.Error != null).ToArray();
        foreach (var (name, error) in errors)
            output.WriteLine($"{name}: {error!.Kind}: {error.Text}");
        Assert.Contains(errors, found => found.Error!.Kind == expected);
    }

    private static IEnumerable<SlotArrayScenario> All() =>
    [
        new("take-vs-take", 2, 2, "p", "p"),
        new("take-vs-take-last-item", 2, 1, "p", "p"),
        new("take-vs-give", 2, 1, "p", "u"),
        new("give-vs-give", 2, 1, "u", "u"),
        new("give-vs-give-elsewhere", 2, 1, "u", "1u"),
        new("give-vs-take-full", 2, 2, "u", "pr"),
        new("same-item-comes-back", 2, 1, "pr", "pr"),
        new("items-change-places", 2, 2, "pr", "1ppr"),
        new("take-all-vs-take", 2, 2, "t", "pp"),
        new("take-all-vs-give", 2, 1, "t", "uu"),
        new("take-all-vs-take-all", 2, 2, "t", "t"),
        new("four-places", 4, 2, "3pr", "1upp"),
        FalseEmpty(isStrict: false),
        new("take-give-3-threads", 2, 2, "pr", "pr", "pr") { Deviations = 8 },
        new("take-all-3-threads", 2, 2, "pr", "t", "u") { Deviations = 8 },
    ];
}
