using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Core.LargeMemory;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Policies;

/// <summary>Policies that change while threads work: what each setting does shows within a tick, and nothing is lost.</summary>
public sealed unsafe class LivePolicyTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void A_load_that_grows_and_shrinks_gives_nothing_back_without_a_free_share()
    {
        Assert.Equal((0, 0), Returns(MemoryPolicy.Of(Profile.LowLatency) with { FreeShare = null }));
        var (calls, _) = Returns(MemoryPolicy.Of(Profile.Frugal)); // the control
        Assert.InRange(calls, 5, int.MaxValue);
    }

    [Fact]
    public void Settings_that_change_under_load_lose_nothing() => Seeded.Run(2, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table, ReserveBytes = 64 * MiB });
        var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
        var working = 3;
        var changes = 0;
        Threads.Run(4, number =>
        {
            var own = new Random(seeds[number]);
            if (number == 3)
            {
                while (Volatile.Read(ref working) > 0)
                {
                    if (own.Next(2) == 0)
                        allocator.Profile = (Profile)own.Next(4);
                    else
                        allocator.Policy = AnyPolicy(own);
                    if (own.Next(3) == 0)
                        allocator.Tick();
                    changes++;
                    Thread.Yield();
                }

                return;
            }

            try
            {
                using var live = new LiveSet(allocator, owns: false);
                for (var round = 0; round < 120; round++)
                {
                    live.AllocMany(own.Next(30), 1 + own.Next(3000));
                    live.AllocMany(own.Next(4), 100_000 + own.Next(400_000));
                    live.AllocMany(own.Next(2), (2 * MiB) + own.Next(3 * MiB));
                    live.FreeWhere(_ => own.Next(live.Count < 100 ? 3 : 2) == 0);
                }

                live.FreeAll();
            }
            finally
            {
                Interlocked.Decrement(ref working);
            }
        });
        Assert.InRange(changes, 5, int.MaxValue);
        using var last = new LiveSet(allocator, owns: false);
        Assert.Equal((nuint)0, last.Figures.LiveBytes);
        ChargeWalk.Check(last.Heap);
        allocator.Trim(ref last.Cache);
        ChargeWalk.Check(last.Heap);
        Assert.Empty(os.Violations);
    });

    [Fact]
    public void Two_that_set_the_policy_at_once_leave_one_policy() => Seeded.Run(1, random =>
    {
        using var live = new LiveSet(new());
        var policies = Enumerable.Range(0, 16).Select(_ => AnyPolicy(random)).ToArray();
        for (var round = 0; round < 300; round++)
        {
            Threads.Run(2, number => live.Allocator.Policy = policies[(round + number) % 16]);
            var words = live.Allocator.Policy.ToWords();
            var expected = (ulong*)&words;
            var found = (ulong*)&live.Heap->Policy;
            for (var index = 0; index < sizeof(BitTreeAlloc.Core.Policy) / 8; index++)
                Assert.Equal(expected[index], found[index]);
        }
    });

    [Fact]
    public void The_bytes_of_a_tick_change_at_the_next_tick()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(Profile.LowLatency) with { FreeShare = null } });
        FreeSome(live);
        live.Allocator.Tick();
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        live.Allocator.Policy = live.Allocator.Policy with { TickPurgeBytes = 16 * MiB };
        live.Allocator.Tick();
        Assert.InRange((ulong)live.Figures.PurgedBytes, 4ul * MiB, 40ul * MiB);
        live.Allocator.Profile = Profile.LowLatency;
        var purged = live.Figures.PurgedBytes;
        live.Allocator.Tick();
        Assert.Equal(purged, live.Figures.PurgedBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Eager_return_begins_and_ends_with_the_next_free()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.LowLatency });
        live.AllocMany(9, 3 * MiB);
        live.FreeWhere(i => i < 3);
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        live.Allocator.Policy = live.Allocator.Policy with { EagerReturn = true };
        live.FreeWhere(i => i < 3);
        Assert.Equal(3, os.Calls(VmVerb.Purge));
        live.Allocator.Policy = live.Allocator.Policy with { EagerReturn = false };
        live.FreeAll();
        Assert.Equal(3, os.Calls(VmVerb.Purge));
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void The_growth_dampener_rules_the_next_area()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.Balanced });
        live.Allocator.Reserve(100 * MiB, 8);
        live.Allocator.Policy = live.Allocator.Policy with { GrowthDampener = 3 };
        live.Allocator.Reserve(100 * MiB, 16);
        live.Allocator.Policy = live.Allocator.Policy with { GrowthDampener = 0 };
        live.Allocator.Reserve(100 * MiB, 26);
        Assert.Equal([1ul, 2, 4, 8, 10, 20], RegionProbe.Areas(live.Heap, RegionClasses.ClassOf(100 * MiB)));
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Lazy_purge_begins_and_ends_with_the_next_tick()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.LargeBuffers });
        live.AllocMany(10, 3 * MiB);
        live.FreeAll();
        live.Allocator.Policy = live.Allocator.Policy with { LazyPurge = true, TickPurgeBytes = 8 * MiB };
        live.Allocator.Tick();
        Assert.Equal((nuint)(8 * MiB), live.Figures.LazilyFreedBytes);
        var eager = live.Figures.PurgedBytes;
        live.Allocator.Policy = live.Allocator.Policy with { LazyPurge = false };
        live.Allocator.Tick();
        Assert.Equal(((nuint)(8 * MiB), eager + (8 * MiB)), (live.Figures.LazilyFreedBytes, live.Figures.PurgedBytes));
        live.AllocMany(10, 3 * MiB);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void The_free_share_rules_the_next_fresh_memory()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(Profile.LowLatency) with { FreeShare = null } });
        FreeSome(live);
        live.AllocMany(4, 100 * MiB);
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        live.FreeAll();
        live.Allocator.Policy = live.Allocator.Policy with { FreeShare = 0 };
        for (var i = 0; i < 300 && os.Calls(VmVerb.Purge) == 0; i++)
            live.Alloc(1_000_000);
        Assert.InRange(os.Calls(VmVerb.Purge), 1, long.MaxValue);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Huge_pages_are_asked_for_where_an_area_is_made_after_the_change()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 1000, TransparentHugePages = TransparentHugePageMode.Madvise });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(Profile.Balanced) with { HugePages = HugePages.Never } });
        live.Allocator.Reserve(20 * MiB, 1);
        var before = os.Calls(VmVerb.Advise);
        live.Allocator.Policy = live.Allocator.Policy with { HugePages = HugePages.Dense };
        live.Allocator.Reserve(40 * MiB, 1);
        Assert.InRange(os.Calls(VmVerb.Advise), before + 1, before + 2);
    }

    [Fact]
    public void A_policy_out_of_its_range_changes_nothing()
    {
        using var allocator = new BitTreeAllocator();
        var before = allocator.Policy;
        foreach (var bad in new double[] { -0.1, 1025, double.NaN })
            Assert.Throws<ArgumentException>(() => allocator.Policy = before with { FreeShare = bad });
        foreach (var bad in new double[] { -0.1, 64, double.NaN })
            Assert.Throws<ArgumentException>(() => allocator.Policy = before with { SteadyShare = bad });
        Assert.Throws<ArgumentException>(() => allocator.Policy = before with { HugePages = (HugePages)9 });
        Assert.Throws<ArgumentException>(() => allocator.Profile = (Profile)9);
        Assert.Throws<ArgumentNullException>(() => allocator.Policy = null!);
        Assert.Equal((before, Profile.Balanced), (allocator.Policy, allocator.Profile));
    }

    private static (int Calls, int Lazy) Returns(MemoryPolicy policy)
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 1_000_000 });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = policy });
        for (var wave = 1; wave <= 6; wave++)
        {
            foreach (var size in new[] { 100, 5000, 60_000, 300_000, 3 * MiB, 20 * MiB })
                live.AllocMany(Math.Max(1, wave * MiB / size), size);
            live.FreeWhere(i => i % wave != 0);
            live.Allocator.Tick();
        }

        live.FreeAll();
        live.Allocator.Tick();
        var log = os.Log;
        return (log.Count(call => call.Verb is VmVerb.Purge or VmVerb.Release), log.Count(call => call.Verb == VmVerb.PurgeLazily));
    }

    private static void FreeSome(LiveSet live)
    {
        live.AllocMany(10, 3 * MiB);
        live.AllocMany(100, 60_000);
        live.FreeAll();
    }

    private static MemoryPolicy AnyPolicy(Random random) => new()
    {
        FreeShare = random.Next(3) == 0 ? null : random.NextDouble(),
        SteadyShare = 2 * random.NextDouble(),
        TickPurgeBytes = (ulong)random.Next(4) * 4 * MiB,
        EagerReturn = random.Next(2) == 0,
        GrowthDampener = (uint)random.Next(5),
        LazyPurge = random.Next(2) == 0,
        HugePages = (HugePages)random.Next(4),
    };
}
