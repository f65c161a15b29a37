using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Caches;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Policies;

/// <summary>The worker on a clock that the test moves: its budget, its start, change and stop.</summary>
public sealed unsafe class WorkerTests
{
    private const int MiB = 1 << 20;
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(32)]
    public void A_tick_gives_back_at_most_its_budget_of_each_region_class_and_of_blocks(int mebibytes)
    {
        var clock = new VirtualClock();
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 10_000 });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(Profile.LowLatency) with { TickPurgeBytes = (ulong)mebibytes * MiB }, TimeProvider = clock, TickInterval = s_second });
        foreach (var (count, size) in new[] { (600, 1000), (400, 60_000), (40, 200_000), (30, 1_000_000), (10, 2 * MiB), (12, 3 * MiB), (12, 7 * MiB), (3, 30 * MiB) })
            live.AllocMany(count, size);
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache, TrimLevel.Caches);
        var budget = (ulong)mebibytes * MiB;
        ulong largest = 0, blocks = 0;
        for (var tick = 0; tick < 40; tick++)
        {
            os.ResetCounters();
            var touched = (ulong)live.Figures.TouchedBytes;
            clock.Advance(s_second);
            var purges = os.Log.Where(call => call is { Verb: VmVerb.Purge, Status: VmStatus.Ok }).GroupBy(call => ClassAt(live, call.Address))
                .ToDictionary(group => group.Key, group => (ulong)group.Sum(call => (long)call.Bytes));
            purges.Remove(-1);
            largest = Math.Max(largest, purges.Values.DefaultIfEmpty().Max());
            blocks = Math.Max(blocks, touched - (ulong)live.Figures.TouchedBytes - (ulong)purges.Values.Sum(bytes => (long)bytes));

            ChargeWalk.Check(live.Heap);
        }

        // The last block of a tick may lie across the budget: no more than one.
        Assert.InRange(largest, 2ul * MiB, budget);
        Assert.InRange(blocks, Math.Min(budget, 4ul * MiB), budget + (4 * MiB) - 1);
        if (budget >= 2ul * MiB)
            Assert.True((ulong)live.Figures.FreeRegionBytes <= (ulong)Math.Max(0, (12 * 4) + (12 * 8) + (3 * 30) + (10 * 2) - (40 * (mebibytes / 2 * 2))) * MiB, $"{live.Figures.FreeRegionBytes} bytes are left");
    }

    [Fact]
    public void It_starts_later_keeps_a_new_pace_and_stops()
    {
        var clock = new VirtualClock();
        using var allocator = new BitTreeAllocator(new() { TimeProvider = clock });
        Assert.Equal((Timeout.InfiniteTimeSpan, 0), (allocator.TickInterval, clock.Timers.Count));
        allocator.TickInterval = TimeSpan.FromSeconds(10);
        var timer = Assert.Single(clock.Timers);
        clock.Advance(TimeSpan.FromSeconds(25));
        Assert.Equal(2, timer.Calls);
        allocator.TickInterval = s_second; // at once, not after the ten seconds
        clock.Advance(TimeSpan.FromSeconds(3.5));
        Assert.Equal((5, s_second), (timer.Calls, allocator.TickInterval));
        allocator.TickInterval = Timeout.InfiniteTimeSpan;
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(5, timer.Calls);
        allocator.TickInterval = TimeSpan.FromMinutes(1);
        clock.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal((8, 1), (timer.Calls, clock.Timers.Count));
        allocator.Dispose();
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal((8, true), (timer.Calls, timer.IsDisposed));
        Assert.Throws<ObjectDisposedException>(() => allocator.TickInterval = s_second);
    }

    [Fact]
    public void An_interval_that_no_timer_takes_is_told_and_the_allocator_can_be_disposed_of()
    {
        var allocator = new BitTreeAllocator();
        foreach (var bad in new[] { TimeSpan.FromDays(50), TimeSpan.MaxValue, TimeSpan.FromTicks(1) })
            Assert.Contains("TickInterval", Assert.ThrowsAny<ArgumentException>(() => allocator.TickInterval = bad).Message, StringComparison.Ordinal);
        allocator.TickInterval = TimeSpan.FromDays(49);
        allocator.Dispose();
    }

    [Fact]
    public void Of_intervals_that_are_set_at_once_one_timer_runs_and_it_runs_at_the_one_that_is_told()
    {
        for (var round = 0; round < 200; round++)
        {
            var clock = new VirtualClock();
            using var allocator = new BitTreeAllocator(new() { TimeProvider = clock, ReserveBytes = 16 * MiB });
            Threads.Run(2, number => allocator.TickInterval = TimeSpan.FromSeconds(1 + number));
            Threads.Run(2, number => allocator.TickInterval = number == 0 ? Timeout.InfiniteTimeSpan : s_second);
            clock.Advance(TimeSpan.FromSeconds(10)); // a timer that nobody wants ends itself at its first call
            var running = clock.Timers.Where(timer => !timer.IsDisposed && timer.Period != Timeout.InfiniteTimeSpan).ToList();
            Assert.True(allocator.TickInterval == Timeout.InfiniteTimeSpan ? running.Count == 0 : running.Count == 1 && running[0].Period == allocator.TickInterval, $"{running.Count} run, {allocator.TickInterval} was set last");
        }
    }

    [Fact]
    public void The_timer_of_an_allocator_that_is_gone_ends_itself()
    {
        var clock = new VirtualClock();
        var dropped = Drop(clock);
        for (var i = 0; i < 20 && dropped.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(dropped.IsAlive);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((1, true), (clock.Timers[0].Calls, clock.Timers[0].IsDisposed));
    }

    [Fact]
    public void A_worker_does_not_keep_the_process()
    {
        var (code, text) = ChildProgram.Run(typeof(WorkerScenarios), nameof(WorkerScenarios.EndsWithAWorker));
        Assert.Equal((0, "ends"), (code, text));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Drop(TimeProvider clock) =>
        new(new BitTreeAllocator(new() { TickInterval = s_second, TimeProvider = clock, ReserveBytes = 16 * MiB }));

    private static int ClassAt(LiveSet live, nuint address) =>
        BitTreeAlloc.Core.RegionAreas<HardwareAtomics, ShippedGeometry>.TryLocate(live.Heap, address, out var region) ? region.Area->Class : -1;
}

/// <summary>Runs in a process of its own.</summary>
public static class WorkerScenarios
{
    /// <summary>Leaves an allocator behind whose worker runs each millisecond.</summary>
    public static string EndsWithAWorker()
    {
        var allocator = new BitTreeAllocator(new() { TickInterval = TimeSpan.FromMilliseconds(1) });
        Thread.Sleep(20);
        GC.KeepAlive(allocator);
        return "ends";
    }
}
