using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>
/// Nobody waits (FEATURES C14, Q6): a thread is stopped for ever before each of its accesses to shared words, in every kind of operation but Dispose, and another goes on.
/// BITTREE_PROGRESS_ALL=1 stops at every access and gives the survivor <see cref="ManySteps"/> operations at each. Without it, accesses beyond the third at one site are sampled, and most stops have
/// <see cref="FewSteps"/> operations.
/// </summary>
public sealed class ProgressTests(ITestOutputHelper output)
{
    private const int ManySteps = 10_000;
    private const int FewSteps = 300;

    /// <summary>Shared accesses within one operation of the survivor: beyond, it is taken to wait for somebody. A trim of this heap needs some thousands.</summary>
    private const int WaitingSteps = 400_000;

    private static readonly bool s_all = Environment.GetEnvironmentVariable("BITTREE_PROGRESS_ALL") == "1";

    public static TheoryData<string, CasWidth> Cases
    {
        get
        {
            var cases = new TheoryData<string, CasWidth>();
            foreach (var operation in Operations.All)
            {
                cases.Add(operation.Name, CasWidth.Eight);
                if (CasStub.IsSupported)
                    cases.Add(operation.Name, CasWidth.Sixteen);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void With_a_thread_stopped_at_any_hook_another_completes_operations_of_every_kind(string name, CasWidth width)
    {
        var operation = Operations.Named(name);
        var points = Points(operation, width);
        Assert.InRange(points.Count, operation.Points, operation.Points == 0 ? 0 : 50_000);
        if (operation.Meets != Site.None)
            Assert.Contains(operation.Meets, points);
        var seen = new Dictionary<Site, int>();
        var (worst, most, stops, full) = (Stranded.None, 0, 0, 0);
        for (var k = 1; k <= points.Count + 1; k++)
        {
            var site = k <= points.Count ? points[k - 1] : Site.None;
            var times = seen[site] = seen.GetValueOrDefault(site) + 1;
            if (!s_all && times > 3 && k % 61 != 0)
                continue;
            var all = s_all || times == 1 || k % 128 == 0;
            (stops, full) = (stops + 1, full + (all ? 1 : 0));
            using var world = new World(width, budget: operation.Budget);
            operation.Prepare?.Invoke(world, world.Stopped[0]);
            HookedAtomics.StopAt(k, () => operation.Act(world, world.Stopped[0]));
            operation.After?.Invoke(world);
            try
            {
                most = Math.Max(most, Survive(world.Survivor, all ? ManySteps : FewSteps, new Random(k)));
                var rest = world.Rest();
                Bounds.Check(operation, rest);
                worst = worst.Max(rest);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"{name}, stopped before access {k} ({site}): {e.Message}", e);
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {points.Count} accesses at {seen.Count - 1} sites, {stops} stops, {full} of them with {ManySteps} operations; most accesses of one operation {most}"));
        output.WriteLine(Bounds.Row(operation, points.Count, worst));
    }

    [Fact]
    public void A_survivor_that_waits_is_found_out()
    {
        using var world = new World(CasWidth.Eight);
        var error = Assert.ThrowsAny<Exception>(() => Survive(world.Survivor, 1000, new Random(1), waiting: 20));
        Assert.Contains("waits", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bound_that_is_exceeded_is_found()
    {
        var plain = new Operation("plain", (_, _) => { });
        var sweep = plain with { Sweeps = true };
        var claim = plain with { Claims = true };
        Bounds.Check(claim, Stranded.None with { Caches = 1, Claimed = 1 });
        Bounds.Check(plain, Stranded.None with { BlockBytes = 64 << 10 });
        Bounds.Check(sweep, Stranded.None with { BlockBytes = 2 << 20 });
        foreach (var (operation, rest) in new[]
        {
            (plain, Stranded.None with { BlockBytes = (64 << 10) + 1 }), (sweep, Stranded.None with { BlockBytes = (2 << 20) + 1 }), (plain, Stranded.None with { HandBytes = 600_000 }),
            (plain, Stranded.None with { Magazines = 43 }), (plain, Stranded.None with { Magazines = -1 }), (plain, Stranded.None with { Records = 2 }), (plain, Stranded.None with { AddressBytes = 1 << 20 }),
            (plain, Stranded.None with { Caches = 1 }), (claim, Stranded.None with { Caches = 2 }), (claim, Stranded.None with { Claimed = 2 }), (plain, Stranded.None with { Claimed = 1 }),
            (plain, Stranded.None with { RegionBytes = 1 }), (plain with { Largest = 3 << 20 }, Stranded.None with { RegionBytes = (4 << 20) + 1 }), (plain with { Largest = 100_000 }, Stranded.None with { BlockBytes = (1 << 20) + 1 }),
            (plain, Stranded.None with { GrantBytes = 1 << 20 }), (plain, Stranded.None with { GrantBytes = -1 }), (plain, Stranded.None with { ChargeBytes = 1 << 20 }), (plain, Stranded.None with { ChargeBytes = -1 }),
        })
            Assert.ThrowsAny<Exception>(() => Bounds.Check(operation, rest));
    }

    /// <summary>The survivor's operations, each of a bounded number of accesses: it never waits. Returns the most that one needed.</summary>
    internal static int Survive(Mutator survivor, int steps, Random random, int waiting = WaitingSteps)
    {
        var (accesses, most) = (0, 0);
        HookedAtomics.With(
            site =>
            {
                if (++accesses > waiting)
                    Assert.Fail($"the survivor waits: {accesses} accesses in one operation, now at {site}");
            },
            () =>
            {
                for (var step = 0; step < steps; step++)
                {
                    accesses = 0;
                    survivor.Step(random);
                    most = Math.Max(most, accesses);
                }
            });
        return most;
    }

    /// <summary>The site of each access of an operation that nobody stops.</summary>
    internal static List<Site> Points(Operation operation, CasWidth width)
    {
        using var world = new World(width, budget: operation.Budget);
        operation.Prepare?.Invoke(world, world.Stopped[0]);
        var points = new List<Site>();
        HookedAtomics.With(points.Add, () => operation.Act(world, world.Stopped[0]));
        operation.After?.Invoke(world);
        world.Rest();
        return points;
    }
}
