using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Mutants;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

public sealed class ControlTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. Controls.All.Select(make => make().Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_planted_mistake_is_found_as_what_it_is(string name)
    {
        var control = Controls.All.Select(make => make()).Single(scenario => scenario.Name == name);
        var error = GraphExplorer.Explore(control).Result.Error;
        output.WriteLine($"{name}: {error?.Kind}: {error?.Text}");
        Assert.Equal(control.Expected, error?.Kind);
    }

    [Fact]
    public void A_raw_access_to_model_memory_is_caught_with_its_stack()
    {
        var control = Controls.All.Select(make => make()).Single(scenario => scenario.Name == "control/raw-access");
        Assert.Contains(nameof(Controls), GraphExplorer.Explore(control).Result.Error?.Stack, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stack_that_reserves_its_head_is_right_and_not_lock_free()
    {
        var whole = GraphExplorer.Explore(new ReservationStack()).Result;
        Assert.Null(whole.Error);
        Assert.True(whole.IsExhaustive);
        var stalled = GraphExplorer.Stall(new ReservationStack());
        output.WriteLine($"{stalled.Where}: {stalled.Error?.Text}");
        Assert.Equal(ModelErrorKind.NotLockFree, stalled.Error?.Kind);
    }

    [Fact]
    public void A_pop_that_gives_up_when_beaten_is_not_linearizable()
    {
        var mutant = MutantRunner.Protocol().Single(candidate => candidate.Name == "recycler/gives-up-when-beaten");
        var error = Generated.Stacks().Select(scenario => GraphExplorer.Explore(scenario, new ExploreOptions { Mutant = mutant }).Result.Error).First(found => found != null);
        output.WriteLine(error!.Text);
        Assert.Equal(ModelErrorKind.NotLinearizable, error.Kind);
    }
}
