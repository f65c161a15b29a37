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

    /// <summary>The control: each mistake happens once per allocator, and the soak sees one.</summary>
    [Theory]
    [InlineData(nameof(HandsASlotOutTwice), "wrong byte|twice|not the start of a live slot|no multiple|usable|size of another class")]
    [InlineData(nameof(ChangesOneByte), "wrong byte")]
    [InlineData(nameof(ForgetsOneFree), "live although everything was freed")]
    [InlineData(nameof(FreesOneTwice), "twice|not the start of a live slot|wrong byte|no multiple|usable")]
    [InlineData(nameof(LeavesOneByteDirty), "not zero")]
    [InlineData(nameof(RefusesForNoReason), "Disabled")]
    [InlineData(nameof(NeverReturns), "^hang: .*: Free, for")]
    public void A_planted_mistake_is_seen_soon(string mistake, string says)
    {
        var type = typeof(PlantedOnce).Assembly.GetType($"{typeof(PlantedOnce).Namespace}.{mistake}", throwOnError: true)!;
        var report = SoakDriver.Run(new SoakPlan
        {
            Duration = TimeSpan.FromSeconds(30), // It ends with the first failure: on an idle machine within a second.
            Cycle = TimeSpan.FromMilliseconds(100),
            Seed = Knobs.StressSeed(),
            Hang = mistake == nameof(NeverReturns) ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(60),
            Calls = allocator => (SoakCalls)Activator.CreateInstance(type, allocator)!,
        });
        output.WriteLine(report.Text);
        Assert.NotNull(report.Failure);
        Assert.Matches(says, report.Failure);
    }

    [Fact]
    public void A_curve_that_climbs_is_not_flat_and_one_that_settles_is()
    {
        Assert.Null(SoakFlatness.Judge([.. Enumerable.Repeat(40ul << 20, 30)]));
        Assert.Null(SoakFlatness.Judge([1ul << 20, 20ul << 20, .. Enumerable.Repeat(24ul << 20, 28)]));
        Assert.NotNull(SoakFlatness.Judge([.. Enumerable.Range(0, 30).Select(point => (40ul << 20) + ((ulong)point << 21))]));
        Assert.NotNull(SoakFlatness.Judge([.. Enumerable.Repeat(40ul << 20, 29), 70ul << 20]));
    }

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
