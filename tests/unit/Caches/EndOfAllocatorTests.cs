using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>Dispose while caches are out on other threads, and beside those that only look or tick.</summary>
public sealed unsafe class EndOfAllocatorTests
{
    [Fact]
    public void An_allocator_is_disposed_of_while_ambient_caches_are_out_on_other_threads()
    {
        using var owner = new Sleeper();
        using var another = new Sleeper();
        for (var round = 0; round < 20; round++)
        {
            var allocator = new BitTreeAllocator(new() { ReserveBytes = 16 << 20 });
            owner.Do(() => CacheProbe.Use(allocator, 100, 200));
            another.Do(() => CacheProbe.Use(allocator, 3000, 20));
            allocator.Dispose();
            owner.Do(() =>
            {
                Assert.Throws<ObjectDisposedException>(() => { allocator.Alloc(100); });
                Assert.False(allocator.TryAlloc(100, out _, out var error));
                Assert.Equal(AllocError.Disposed, error);
            });
            using var next = new BitTreeAllocator(new() { ReserveBytes = 16 << 20 });
            owner.Do(() => CacheProbe.Use(next, 100, 200));
            another.Do(() =>
            {
                CacheProbe.Use(next, 100, 200);
                next.DetachThread();
                if (round % 2 == 0)
                    allocator.DetachThread();
            });
            Assert.Equal((1, (nuint)0), (next.GetStatistics().CacheCount, next.GetStatistics().LiveBytes));
        }
    }

    [Fact]
    public void DetachThread_after_Dispose_is_harmless_with_and_without_a_cache_and_twice()
    {
        using var owner = new Sleeper();
        var allocator = new BitTreeAllocator();
        owner.Do(() => CacheProbe.Use(allocator, 100, 200));
        allocator.Dispose();
        allocator.DetachThread();
        owner.Do(allocator.DetachThread);
        owner.Do(allocator.DetachThread);
        owner.Do(() => Assert.Throws<ObjectDisposedException>(() => { allocator.Alloc(100); }));
        using var next = new BitTreeAllocator();
        owner.Do(() => CacheProbe.Use(next, 100, 200));
    }

    [Fact]
    public void Tick_Trim_and_the_bound_after_Dispose_are_told()
    {
        var allocator = new BitTreeAllocator();
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => allocator.Tick());
        Assert.Throws<ObjectDisposedException>(() => allocator.Trim(TrimLevel.Caches));
        Assert.Throws<ObjectDisposedException>(() => allocator.MaxCachedBytesPerClass);
        Assert.Throws<ObjectDisposedException>(() => allocator.MaxCachedBytesPerClass = 5);
        allocator.DetachThread();
    }

    [Fact]
    public void Records_of_ambient_caches_that_outlived_their_allocators_are_used_again()
    {
        using var owner = new Sleeper();
        var most = 0;
        for (var round = 0; round < 300; round++)
        {
            var allocator = new BitTreeAllocator(new() { ReserveBytes = 16 << 20 });
            var cache = allocator.CreateCache();
            owner.Do(() => CacheProbe.Use(allocator, 64, 10));
            most = Math.Max(most, CacheProbe.Records(cache.Record->Heap));
            cache.Dispose();
            allocator.Dispose();
        }

        Assert.InRange(most, 1, 4);
    }

    [Theory]
    [InlineData("statistics")]
    [InlineData("tick")]
    [InlineData("timer")]
    [InlineData("detach")]
    [InlineData("deaths")]
    public void Dispose_beside_those_that_look_tick_or_leave(string what)
    {
        var clock = new VirtualClock();
        for (var round = 0; round < 150; round++)
        {
            var allocator = new BitTreeAllocator(new() { ReserveBytes = 16 << 20, TickInterval = what == "timer" ? TimeSpan.FromSeconds(1) : Timeout.InfiniteTimeSpan, TimeProvider = clock });
            using var worked = new Barrier(2);
            Threads.Run(3, number =>
            {
                if (number == 2)
                {
                    worked.SignalAndWait();
                    Thread.SpinWait(round * 20);
                    allocator.Dispose();
                    return;
                }

                if (number == 1)
                {
                    CacheProbe.Use(allocator, 100, 50);
                    worked.SignalAndWait();
                    if (what == "detach")
                        allocator.DetachThread();
                    return; // "deaths": the thread ends
                }

                try
                {
                    for (var until = Environment.TickCount64 + 60_000; Environment.TickCount64 < until;)
                    {
                        if (what == "statistics")
                            _ = allocator.GetStatistics();
                        else if (what == "timer")
                            clock.Timers[^1].CallLate();
                        else
                            allocator.Tick();
                        if (what == "timer" && clock.Timers[^1].IsDisposed)
                            return;
                    }

                    Assert.Fail("Dispose was not seen");
                }
                catch (ObjectDisposedException)
                {
                }
            });
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
