using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Caches;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors in the work that is done by time. docs/known-holes.md lists them all.</summary>
public sealed unsafe class KnownHolesWorker
{
    private const int MiB = 1 << 20;
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Hole_20_a_tick_ends_wherever_another_thread_is_stopped_inside_an_allocation_or_a_free()
    {
        for (var k = 1; ; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using var allocator = Hooked(os);
            var (stopped, other) = (allocator.CreateCache(), allocator.CreateCache());
            Work(allocator, ref other);
            var isStopped = HookedAtomics.StopAt(k, () => Work(allocator, ref stopped));
            var steps = 0;
            HookedAtomics.With(
                _ => Assert.True(++steps < 200_000, "the tick waits"),
                () =>
                {
                    for (var tick = 0; tick < 3; tick++)
                        allocator.Tick();
                });
            Assert.InRange(steps, 10, 200_000);
            Work(allocator, ref other);
            if (!isStopped)
            {
                Assert.InRange(k, 200, 20_000);
                return;
            }

            k += k / 60; // every step at first, then one in so many
        }
    }

    [Fact]
    public void Hole_20_a_tick_that_is_stopped_for_ever_stops_nobody()
    {
        for (var k = 1; ; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using var allocator = Hooked(os);
            var (first, second) = (allocator.CreateCache(), allocator.CreateCache());
            Work(allocator, ref first);
            allocator.Tick();
            var isStopped = HookedAtomics.StopAt(k, () => allocator.Tick());
            var steps = 0;
            HookedAtomics.With(
                _ => Assert.True(++steps < 500_000, "a thread waits for the tick"),
                () =>
                {
                    Work(allocator, ref first);
                    Work(allocator, ref second);
                    allocator.Tick();
                    allocator.Trim(ref second);
                });
            if (!isStopped)
            {
                Assert.InRange(k, 50, 20_000);
                return;
            }

            k += k / 40;
        }
    }

    [Fact]
    public void Hole_21_a_page_that_cannot_be_purged_does_not_stop_the_worker_and_goes_back_when_it_can()
    {
        foreach (var refusal in new[] { VmStatus.NotSupported, VmStatus.TooManyMappings })
        {
            var clock = new VirtualClock();
            using var os = new SimulatedVirtualMemory();
            using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.Frugal, TimeProvider = clock, TickInterval = s_second });
            live.AllocMany(6, 3 * MiB);
            live.AllocMany(100, 60_000);
            live.Allocator.Policy = live.Allocator.Policy with { EagerReturn = false };
            live.FreeWhere(i => i % 2 == 0);
            live.Allocator.Trim(ref live.Cache, TrimLevel.Caches);
            os.FailEvery(VmVerb.Purge, 1, refusal);
            clock.Advance(5 * s_second);
            Assert.Equal(5, clock.Timers[0].Calls);
            Assert.Equal((nuint)0, live.Figures.PurgedBytes);
            Assert.InRange(os.FaultsInjected, 5, long.MaxValue); // tried again at each tick
            ChargeWalk.Check(live.Heap);
            os.ClearFaults();
            clock.Advance(s_second);
            Assert.InRange((ulong)live.Figures.PurgedBytes, 6ul * MiB, 40ul * MiB);
            ChargeWalk.Check(live.Heap);
            live.CheckAll();
            Assert.Empty(os.Violations);
        }
    }

    [FactOnLinux]
    public void Hole_21_a_region_that_its_user_locked_in_memory_does_not_keep_others_from_going_back()
    {
        var clock = new VirtualClock();
        using var live = new LiveSet(new() { Profile = Profile.LargeBuffers, TimeProvider = clock, TickInterval = s_second });
        live.AllocMany(4, 3 * MiB);
        var locked = (void*)live.Live[3].Address; // the highest: met first
        var isLocked = Pages.Lock(locked, 64 << 10); // where even so little is not permitted, the simulated system has to do
        var address = live.Live[0].Address;
        live.FreeAll();
        clock.Advance(4 * s_second);
        Assert.Equal(4, clock.Timers[0].Calls);
        Assert.Equal((nuint)0, Pages.ResidentBytes((void*)address, 3 * MiB));
        Assert.Contains(Pages.ResidentBytes(locked, 64 << 10), isLocked ? [(nuint)0, 64 << 10] : new nuint[] { 0 }); // newer kernels purge locked pages too
        ChargeWalk.Check(live.Heap);
        live.AllocMany(4, 3 * MiB);
        live.CheckAll();
    }

    [Fact]
    public void Hole_22_a_worker_is_stopped_at_once_while_its_tick_is_under_way()
    {
        using var run = new TickUnderWay();
        run.Allocator.TickInterval = Timeout.InfiniteTimeSpan;
        Assert.False(run.IsOver); // it was set while the tick stood still
        run.GoOn();
        run.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal((1, true), (run.Clock.Timers[0].Calls, run.IsOver));
    }

    [Fact]
    public void Hole_22_dispose_waits_for_the_tick_that_is_under_way_and_no_other_comes()
    {
        using var run = new TickUnderWay();
        var disposer = new Thread(run.Allocator.Dispose) { IsBackground = true };
        disposer.Start();
        Assert.True(SpinWait.SpinUntil(() => run.Clock.Timers[0].IsDisposed, TimeSpan.FromMinutes(1)));
        Assert.True(SpinWait.SpinUntil(() => IsClosed(run.Allocator), TimeSpan.FromMinutes(1)));
        Assert.False(run.IsOver);
        Assert.True(disposer.IsAlive);
        run.GoOn();
        disposer.Join();
        run.Clock.Advance(TimeSpan.FromHours(1));
        run.Clock.Timers[0].CallLate();
        Assert.Equal(1, run.Clock.Timers[0].Calls);
    }

    private static BitTreeAllocator Hooked(SimulatedVirtualMemory os, TimeProvider? clock = null) =>
        new(new() { VirtualMemory = os.Table, ReserveBytes = 16 * MiB, Profile = Profile.Frugal, TimeProvider = clock }, Engine.Of<HookedAtomics, ShippedGeometry>());

    private static bool IsClosed(BitTreeAllocator allocator)
    {
        try
        {
            allocator.Tick();
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static void Work(BitTreeAllocator allocator, ref ThreadCache cache)
    {
        var slots = new List<nint>();
        foreach (var (count, size) in new[] { (3, 3 * MiB), (60, 200), (8, 60_000), (2, 100_000) })
        {
            for (var i = 0; i < count; i++)
                slots.Add((nint)allocator.Alloc(ref cache, (nuint)size));
        }

        foreach (var slot in slots)
            allocator.Free(ref cache, (void*)slot);
    }

    /// <summary>A tick of the worker that stands still at its first step until it is told to go on.</summary>
    private sealed class TickUnderWay : IDisposable
    {
        private readonly SimulatedVirtualMemory _os = new();
        private readonly ManualResetEventSlim _inside = new();
        private readonly ManualResetEventSlim _goOn = new();
        private readonly Thread _worker;

        public TickUnderWay()
        {
            Allocator = Hooked(_os, Clock);
            var cache = Allocator.CreateCache();
            Work(Allocator, ref cache);
            Allocator.TickInterval = s_second;
            _worker = new Thread(() => HookedAtomics.With(_ => Stand(), () => Clock.Advance(s_second))) { IsBackground = true };
            _worker.Start();
            _inside.Wait();
        }

        public VirtualClock Clock { get; } = new();

        public BitTreeAllocator Allocator { get; }

        public bool IsOver => !_worker.IsAlive;

        public void GoOn()
        {
            _goOn.Set();
            _worker.Join();
        }

        public void Dispose()
        {
            GoOn();
            Allocator.Dispose();
            _os.Dispose();
        }

        private void Stand()
        {
            _inside.Set();
            _goOn.Wait();
        }
    }
}
