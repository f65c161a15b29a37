using System.Globalization;
using BitTreeAlloc.Tests.Property.Children;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>
/// Random operations on random threads for BITTREE_SOAK_SECONDS (7200: two hours), every live byte checked. In a process of its own, at low priority: what it does to memory and collections
/// disturbs no other test, and a crash is a failure with a seed. By hand, with lines of progress: <c>dotnet run -c Release --project tests/property -- soak 7200</c>.
/// </summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int SlackSeconds = 240;

    [Fact]
    public async Task Nothing_is_lost_and_nothing_grows_while_threads_come_and_go_and_the_system_refuses()
    {
        var seconds = Knobs.SoakSeconds;
        var seed = Knobs.StressSeed().ToString(CultureInfo.InvariantCulture);
        output.WriteLine($"BITTREE_SEED={seed}");
        var (code, text) = await Child.RunAsync(seconds + SlackSeconds, [], ["soak", seconds.ToString(CultureInfo.InvariantCulture), seed, "background"]);
        output.WriteLine(text);
        Assert.True(code == 0, $"exit code {code}, BITTREE_SEED={seed}:\n{text}");
    }
}
