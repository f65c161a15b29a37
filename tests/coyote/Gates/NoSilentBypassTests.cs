using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Gates;

/// <summary>Gate Z3 and determinism: what the explorer cannot see ends the exploration with its place; nothing passes in silence.</summary>
public class NoSilentBypassTests
{
    [Theory]
    [InlineData(nameof(Bypasses.ReadPastTheSeam))]
    [InlineData(nameof(Bypasses.WritePastTheSeam))]
    [InlineData(nameof(Bypasses.IncrementPastTheSeam))]
    public void A_raw_access_to_model_memory_is_caught_with_its_stack(string body)
    {
        var error = Explore(body);
        Assert.Equal(ModelErrorKind.WildPointer, error.Kind);
        Assert.Contains($"{nameof(Bypasses)}.{body}", error.Stack);
    }

    [Theory]
    [InlineData(nameof(Bypasses.ReadBesideTheWord))]
    [InlineData(nameof(Bypasses.ReadOtherMemory))]
    public void An_address_that_is_no_word_of_the_scenario_is_caught_by_its_value(string body)
    {
        var error = Explore(body);
        Assert.Equal(ModelErrorKind.WildPointer, error.Kind);
        Assert.Contains("0x", error.Text);
    }

    [Theory]
    [InlineData(nameof(Bypasses.AnotherSiteLater), "BlockClaim", "BlockConfirm")]
    [InlineData(nameof(Bypasses.AnotherValueEveryTime), "BlockRelease", "BlockRelease")]
    [InlineData(nameof(Bypasses.AnotherOperandEveryTime), "BlockCount", "BlockCount")]
    [InlineData(nameof(Bypasses.NothingFromTheThirdTimeOn), "ended after 0", "recorded operations")]
    public void Nondeterminism_is_reported_with_its_site(string body, string before, string now)
    {
        var error = Explore(body);
        Assert.Equal(ModelErrorKind.Nondeterminism, error.Kind);
        Assert.Contains(before, error.Text);
        Assert.Contains(now, error.Text);
    }

    private static ModelError Explore(string body)
    {
        Bypasses.Reset();
        var method = typeof(Bypasses).GetMethod(body)!.CreateDelegate<Action<Run, nint, int>>();
        var error = GraphExplorer.Explore(new OneWord(method)).Result.Error;
        Assert.NotNull(error);
        return error;
    }
}
