using System.Runtime.CompilerServices;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>Idle caches shrink by 1, 2, 4, 8 … magazines per tick of a clock that the test moves; use begins it again.</summary>
public sealed unsafe class TickTests
{
    private static readonly int[] s_sizes = [16, 40, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16_384];

    private static readonly int[] s_gone = [0, 1, 3, 7, 15, 30, 30];

    [Fact]
    public void The_cache_of_a_thread_that_never_runs_again_gives_1_2_4_8_magazines()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        using var owner = new Sleeper();
        Fill(allocator, owner);
        ShrinksTo(allocator, 0, s_gone);
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
    }

    [Fact]
    public void Use_begins_the_count_again()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        using var owner = new Sleeper();
        Fill(allocator, owner);
        ShrinksTo(allocator, 0, s_gone[..4]);
        var slots = Cached(allocator);
        var kept = allocator.GetStatistics().Classes.First(one => one.CachedSlots > 0).SlotSize;
        owner.Do(() => CacheProbe.Use(allocator, kept, 1));
        Assert.Equal(slots, Cached(allocator));
        ShrinksTo(allocator, 7, [0, 1, 3, 7, 15]);
    }

    [Fact]
    public void A_cache_that_is_used_between_all_ticks_keeps_everything()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        using var owner = new Sleeper();
        Fill(allocator, owner);
        var slots = Cached(allocator);
        for (var tick = 0; tick < 20; tick++)
        {
            Assert.Equal(0, allocator.Tick());
            owner.Do(() => CacheProbe.Use(allocator, s_sizes[tick % s_sizes.Length], 1));
        }

        Assert.Equal(slots, Cached(allocator));
    }

    [Fact]
    public void Two_idle_caches_shrink_each_on_its_own()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        using var first = new Sleeper();
        using var second = new Sleeper();
        Fill(allocator, first);
        Assert.Equal(0, allocator.Tick());
        Fill(allocator, second, twice: true);
        Assert.Equal(1, Magazines(allocator, () => allocator.Tick())); // the second was used
        Assert.Equal(2 + 1, Magazines(allocator, () => allocator.Tick()));
        Assert.Equal(4 + 2, Magazines(allocator, () => allocator.Tick()));
    }

    [Fact]
    public void An_explicit_cache_that_is_idle_gives_what_it_has_put_aside_and_no_more()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        var cache = allocator.CreateCache();
        foreach (var size in s_sizes)
        {
            var slots = new nint[2 * CacheProbe.MagazineSlots(size)];
            for (var i = 0; i < slots.Length; i++)
                slots[i] = (nint)allocator.Alloc(ref cache, (nuint)size);
            foreach (var slot in slots)
                allocator.Free(ref cache, (void*)slot, (nuint)size);
        }

        for (var tick = 0; tick < 10; tick++)
            allocator.Tick();
        Assert.All(s_sizes, size => Assert.Equal(CacheProbe.MagazineSlots(size), CacheProbe.Class(allocator, size).CachedSlots));
        cache.Dispose();
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
    }

    [Fact]
    public void A_tick_makes_no_call_to_the_system_where_purging_is_off_and_touches_no_live_slot()
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB, VirtualMemory = os.Table, Purging = PurgeMode.Off });
        using var owner = new Sleeper();
        Fill(allocator, owner);
        var live = (byte*)allocator.Alloc(100);
        new Span<byte>(live, 100).Fill(7);
        var calls = os.TotalCalls;
        for (var tick = 0; tick < 10; tick++)
            allocator.Tick();
        Assert.Equal(calls, os.TotalCalls);
        Assert.False(new Span<byte>(live, 100).ContainsAnyExcept((byte)7));
        allocator.Free(live);
        owner.Do(() => CacheProbe.Use(allocator, 500, 200));
    }

    [Fact]
    public void A_double_free_found_by_a_tick_is_told_once()
    {
        using var allocator = new BitTreeAllocator(new() { Purging = PurgeMode.Off });
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            var slot = allocator.Alloc(100);
            allocator.Free(slot, 100);
            allocator.Free(slot, 100);
        });
        var told = new List<AllocError>();
        for (var tick = 0; tick < 6; tick++)
        {
            try
            {
                allocator.Tick();
            }
            catch (AllocatorMisuseException e)
            {
                told.Add(e.Error);
            }
        }

        Assert.Equal([AllocError.DoubleFree], told);
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
    }

    [Fact]
    public void The_interval_ticks_through_the_time_provider_until_dispose()
    {
        var clock = new VirtualClock();
        using var owner = new Sleeper();
        var allocator = new BitTreeAllocator(new() { TickInterval = TimeSpan.FromSeconds(3), TimeProvider = clock, Policy = CacheProbe.SixteenKiB });
        var timer = Assert.Single(clock.Timers);
        Assert.Equal(TimeSpan.FromSeconds(3), timer.Period);
        Fill(allocator, owner);
        var full = Cached(allocator);
        clock.Advance(TimeSpan.FromSeconds(2.9));
        clock.Advance(TimeSpan.FromSeconds(0.2)); // the first tick: the cache was used
        Assert.Equal((1, full), (timer.Calls, Cached(allocator)));
        clock.Advance(TimeSpan.FromSeconds(6)); // two more: one magazine, then two
        Assert.True(Cached(allocator) < full);
        Assert.Equal(2 * s_sizes.Length - 3, MagazinesOf(allocator));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
        allocator.Dispose();
        Assert.True(timer.IsDisposed);
        timer.CallLate();
    }

    [Fact]
    public void Without_an_interval_there_is_no_timer_and_a_bad_one_is_told()
    {
        var clock = new VirtualClock();
        using (new BitTreeAllocator(new() { TimeProvider = clock }))
            Assert.Empty(clock.Timers);
        foreach (var bad in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(-5), TimeSpan.FromTicks(100) })
            Assert.Contains("TickInterval", Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new() { TickInterval = bad, TimeProvider = clock })).Message, StringComparison.Ordinal);
        Assert.Empty(clock.Timers);
    }

    [Fact]
    public void The_timer_does_not_keep_a_dropped_allocator_alive()
    {
        var clock = new VirtualClock();
        var dropped = Drop(clock);
        for (var i = 0; i < 20 && dropped.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(dropped.IsAlive);
        Assert.Single(clock.Timers).CallLate();
    }

    [Fact]
    public void The_system_s_clock_ticks_too()
    {
        using var allocator = new BitTreeAllocator(new() { TickInterval = TimeSpan.FromMilliseconds(1) });
        using var owner = new Sleeper();
        owner.Do(() => CacheProbe.Use(allocator, 100, 250));
        Assert.True(SpinWait.SpinUntil(() => allocator.GetStatistics().CachedBytes == 0, TimeSpan.FromMinutes(1)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Drop(TimeProvider clock)
    {
        var allocator = new BitTreeAllocator(new() { TickInterval = TimeSpan.FromSeconds(1), TimeProvider = clock, ReserveBytes = 16 << 20 });
        var cache = allocator.CreateCache();
        allocator.Free(ref cache, allocator.Alloc(ref cache, 100));
        cache.Dispose();
        return new WeakReference(allocator);
    }

    // Every class with its two magazines full.
    private static void Fill(BitTreeAllocator allocator, Sleeper owner, bool twice = false)
    {
        var before = Cached(allocator);
        owner.Do(() =>
        {
            foreach (var size in s_sizes)
                Assert.True(CacheProbe.FillTwo(allocator, size) || twice, $"the class of {size} bytes has {CacheProbe.Class(allocator, size).CachedSlots} slots cached");
        });
        Assert.Equal(before + s_sizes.Sum(size => 2L * CacheProbe.MagazineSlots(size)), Cached(allocator));
    }

    private static void ShrinksTo(BitTreeAllocator allocator, int gone, int[] expected)
    {
        foreach (var one in expected)
        {
            allocator.Tick();
            Assert.Equal(Math.Max(0, (2 * s_sizes.Length) - gone - one), MagazinesOf(allocator));
        }
    }

    private static long Cached(BitTreeAllocator allocator) => allocator.GetStatistics().Classes.Sum(one => one.CachedSlots);

    private static int MagazinesOf(BitTreeAllocator allocator) => (int)allocator.GetStatistics().Classes.Sum(one => (one.CachedSlots + CacheProbe.MagazineSlots(one.SlotSize) - 1) / CacheProbe.MagazineSlots(one.SlotSize));

    private static int Magazines(BitTreeAllocator allocator, Action action)
    {
        var before = MagazinesOf(allocator);
        action();
        return before - MagazinesOf(allocator);
    }
}
