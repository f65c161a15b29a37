using System.Globalization;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>What a thread had cached comes back when it ends, with and without collections, and its record serves the next.</summary>
public sealed unsafe class ThreadDeathTests(ITestOutputHelper output)
{
    // The program's own thread has an explicit cache.
    private const int Peak = 16 + 1;

    [Fact]
    public void Ten_thousand_short_threads_without_a_collection_leave_no_more_than_twice_the_peak_and_16_records()
    {
        var found = Run(nameof(ThreadDeathScenarios.ShortThreads));
        Assert.Equal((0, 0), (found[4], found[5])); // live bytes, collections
        Assert.InRange(found[0], 1, (2 * Peak) + 16);
        Assert.InRange(found[1], Peak, (2 * Peak) + 16);
        Assert.InRange(found[3], 1, found[2] + (2 << 20));
    }

    [Fact]
    public void Slots_that_dead_threads_had_cached_serve_the_living()
    {
        // A thread may cache some 2 MiB here; those of 32 threads may wait to be found.
        var found = Run(nameof(ThreadDeathScenarios.SlotsOfTheDead));
        Assert.InRange(found[0], 1 << 20, 128 << 20);
        Assert.InRange(found[1], 0, found[0] + (16 << 20));
        Assert.Equal(0, found[2]);
    }

    [Fact]
    public void Finalizers_of_thread_statics_free_and_so_does_the_handler_of_the_process_s_end()
    {
        var (code, line) = ChildProgram.Run(typeof(ThreadDeathScenarios), nameof(ThreadDeathScenarios.FreesAtTheEnd));
        output.WriteLine(line);
        Assert.Equal((0, "5200 0\nexit 0"), (code, line.ReplaceLineEndings("\n")));
    }

    [Fact]
    public void Without_another_registration_a_collection_brings_the_caches_of_dead_threads_back()
    {
        using var allocator = new BitTreeAllocator();
        Die(allocator, 20);
        var left = allocator.GetStatistics();
        for (var i = 0; i < 20 && allocator.GetStatistics().CacheCount != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        var after = allocator.GetStatistics();
        Assert.True(left.CacheCount > 0);
        Assert.Equal((0, (nuint)0, (nuint)0), (after.CacheCount, after.CachedBytes, after.LiveBytes));
    }

    [Fact]
    public void DetachThread_gives_the_cache_back_at_once_and_a_later_call_takes_another()
    {
        using var allocator = new BitTreeAllocator();
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            allocator.DetachThread(); // nothing yet
            CacheProbe.Use(allocator, 100, 300);
            Assert.NotEqual((nuint)0, allocator.GetStatistics().CachedBytes);
            for (var round = 0; round < 3; round++)
            {
                allocator.DetachThread();
                var figures = allocator.GetStatistics();
                Assert.Equal((0, 0L, (nuint)0), (figures.CacheCount, figures.Classes.Sum(one => one.LiveSlots), figures.LiveBytes));
                allocator.DetachThread();
                CacheProbe.Use(allocator, 100 + round, 300);
                Assert.Equal(1, allocator.GetStatistics().CacheCount);
            }
        });
    }

    [Fact]
    public void DetachThread_empties_what_the_recyclers_do_not_hold()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            Assert.True(CacheProbe.FillTwo(allocator, 500));
            Assert.True(CacheProbe.FillTwo(allocator, 20));
            allocator.DetachThread();
        });
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
    }

    [Fact]
    public void DetachThread_of_one_allocator_leaves_the_thread_s_cache_of_another()
    {
        using var allocator = new BitTreeAllocator();
        using var other = new BitTreeAllocator();
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            CacheProbe.Use(allocator, 100, 50);
            CacheProbe.Use(other, 100, 50);
            allocator.DetachThread();
        });
        Assert.Equal((0, 1), (allocator.GetStatistics().CacheCount, other.GetStatistics().CacheCount));
        owner.Do(() => CacheProbe.Use(other, 100, 50));
        Assert.Equal((0, 1), (allocator.GetStatistics().CacheCount, other.GetStatistics().CacheCount));
    }

    [Fact]
    public void An_explicit_cache_is_disposed_of_by_another_thread()
    {
        using var allocator = new BitTreeAllocator();
        var box = new ThreadCache[1];
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            for (var i = 0; i < 500; i++)
                allocator.Free(ref box[0], allocator.Alloc(ref box[0], 100), 100);
        });
        Assert.Equal(1, allocator.GetStatistics().CacheCount);
        box[0].Dispose();
        Assert.Equal((0, (nuint)0), (allocator.GetStatistics().CacheCount, allocator.GetStatistics().CachedBytes));
        owner.Do(() => CacheProbe.Use(allocator, 100, 100));
    }

    [Fact]
    public void What_a_dead_thread_freed_twice_ends_neither_the_finder_nor_the_finalizer()
    {
        using var allocator = new BitTreeAllocator();
        for (var i = 0; i < 3; i++)
        {
            var thread = new Thread(() =>
            {
                var slot = allocator.Alloc(100);
                allocator.Free(slot, 100);
                allocator.Free(slot, 100);
            });
            thread.Start();
            thread.Join();
        }

        using (var next = new Sleeper())
            next.Do(() => CacheProbe.Use(allocator, 100, 300));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        CacheProbe.Use(allocator, 100, 300);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void DetachThread_tells_of_a_double_free_once_and_the_cache_is_gone()
    {
        using var allocator = new BitTreeAllocator();
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            var slot = allocator.Alloc(100);
            allocator.Free(slot, 100);
            allocator.Free(slot, 100);
            Assert.Equal(AllocError.DoubleFree, Assert.Throws<AllocatorMisuseException>(allocator.DetachThread).Error);
            Assert.Equal(0, allocator.GetStatistics().CacheCount);
            allocator.DetachThread();
            CacheProbe.Use(allocator, 100, 300);
        });
    }

    [Fact]
    public void A_thread_about_to_be_interrupted_finds_the_dead_without_being_interrupted()
    {
        using var allocator = new BitTreeAllocator();
        Die(allocator, 20);
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            Thread.CurrentThread.Interrupt();
            CacheProbe.Use(allocator, 100, 300);
            Assert.Throws<ThreadInterruptedException>(() => Thread.Sleep(1));
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Die(BitTreeAllocator allocator, int count)
    {
        using var gate = new Barrier(count);
        var threads = Enumerable.Range(0, count).Select(_ => new Thread(() =>
        {
            CacheProbe.Use(allocator, 100, 200);
            gate.SignalAndWait(); // all have their caches: none was adopted
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }

    private long[] Run(string scenario)
    {
        // So much is garbage before the first collection that none comes.
        var (code, line) = ChildProgram.Run(typeof(ThreadDeathScenarios), scenario, environment: [("DOTNET_GCgen0size", "0x60000000"), ("DOTNET_GCHeapHardLimit", "0")]);
        output.WriteLine(line);
        Assert.True(code == 0 && char.IsDigit(line[0]), $"{code}: {line}");
        return [.. line.Split(' ').Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
    }
}
