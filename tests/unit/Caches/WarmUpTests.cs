using System.Globalization;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>After a warm-up the next allocations call no system, make no garbage and compile nothing.</summary>
public sealed unsafe class WarmUpTests
{
    [Theory]
    [InlineData(nameof(WarmUpScenarios.ExplicitMany))]
    [InlineData(nameof(WarmUpScenarios.AmbientMany))]
    [InlineData(nameof(WarmUpScenarios.ExplicitOne))]
    [InlineData(nameof(WarmUpScenarios.AmbientOne))]
    [InlineData(nameof(WarmUpScenarios.ExplicitLarge))]
    [InlineData(nameof(WarmUpScenarios.AmbientLarge))]
    [InlineData(nameof(WarmUpScenarios.AmbientSmall))]
    public void In_a_process_that_never_allocated_the_next_ones_cost_nothing(string scenario) =>
        Assert.Equal((0, "0 0 0"), ChildProgram.Run(typeof(WarmUpScenarios), scenario));

    [Fact]
    public void Control_without_a_warm_up_the_first_ones_call_the_system_make_garbage_and_are_compiled()
    {
        var (code, line) = ChildProgram.Run(typeof(WarmUpScenarios), nameof(WarmUpScenarios.ControlAmbient));
        Assert.Equal(0, code);
        Assert.All(line.Split(' '), figure => Assert.True(long.Parse(figure, CultureInfo.InvariantCulture) > 0, line));
        (code, line) = ChildProgram.Run(typeof(WarmUpScenarios), nameof(WarmUpScenarios.ControlExplicit));
        Assert.Equal(0, code);
        var figures = line.Split(' ').Select(figure => long.Parse(figure, CultureInfo.InvariantCulture)).ToArray();
        Assert.True(figures[0] > 0 && figures[2] > 0, line);
    }

    [Fact]
    public void On_a_fresh_thread_of_a_running_allocator_any_size_and_count_hold()
    {
        Seeded.Run(25, random =>
        {
            using var os = new SimulatedVirtualMemory();
            using var live = new LiveSet(new()
            {
                VirtualMemory = os.Table,
                Profile = random.Next(2) == 0 ? Profile.Balanced : Profile.Frugal,
                CacheBudgetBytes = random.Next(3) == 0 ? (ulong)random.Next(1, 500_000) : 0,
            });
            if (random.Next(4) == 0)
                live.Allocator.MaxCachedBytesPerClass = (ulong)random.Next(1, 20_000);
            for (var i = random.Next(3000); i > 0; i--)
                live.Alloc(random.Next(1, 1 << random.Next(1, 17)));
            live.FreeWhere(i => i % 3 != 0);
            var size = (nuint)random.Next(0, 1 << random.Next(1, 17));
            var count = Math.Min(random.Next(1, 1 << random.Next(1, 14)), (32 << 20) / (int)BitTreeAllocator.GoodSize(size));
            var ambient = random.Next(2) == 0;
            using var thread = new Sleeper();
            thread.Do(() =>
            {
                ThreadCache cache = default;
                var slots = new nint[count];
                if (ambient)
                    live.Allocator.WarmUp(size, count);
                else
                    live.Allocator.WarmUp(ref cache, size, count);
                _ = WarmUpScenarios.Measure(os, live.Allocator, ref cache, ambient, size, []);
                Assert.Equal((0, 0, 0), WarmUpScenarios.Measure(os, live.Allocator, ref cache, ambient, size, slots));
                Assert.Equal(count, slots.Distinct().Count());
                foreach (var slot in slots)
                    live.Allocator.Free((void*)slot);
                cache.Dispose();
            });
            live.CheckAll();
            live.FreeAll();
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
        });
    }

    [Fact]
    public void Bad_counts_and_sizes_are_told_and_nothing_is_taken()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        Assert.Equal("count", Assert.Throws<ArgumentOutOfRangeException>(() => allocator.WarmUp(100, -1)).ParamName);
        Assert.Equal("count", Assert.Throws<ArgumentOutOfRangeException>(() => allocator.WarmUp(ref cache, 100, int.MinValue)).ParamName);
        Assert.Equal("size", Assert.Throws<ArgumentOutOfRangeException>(() => allocator.WarmUp(BitTreeAllocator.MaxMediumSize + 1, 1)).ParamName);
        Assert.Equal("size", Assert.Throws<ArgumentOutOfRangeException>(() => allocator.WarmUp(ref cache, nuint.MaxValue, 1)).ParamName);
        allocator.WarmUp(ref cache, 100, 0);
        allocator.WarmUp(ref cache, BitTreeAllocator.MaxMediumSize, 0);
        Assert.Equal(((nuint)0, 1), (allocator.GetStatistics().LiveBytes, allocator.GetStatistics().CacheCount));
        allocator.WarmUp(100, 0);
        Assert.Equal(((nuint)0, 2), (allocator.GetStatistics().LiveBytes, allocator.GetStatistics().CacheCount));
        cache.Dispose();
        allocator.DetachThread();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_there_is_no_memory_for_so_many_it_is_told_and_all_is_given_back(bool ambient)
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 16 << 20 });
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        ThreadCache cache = default;
        var error = Assert.Throws<AllocatorOutOfMemoryException>(() =>
        {
            if (ambient)
                allocator.WarmUp(5000, 100_000);
            else
                allocator.WarmUp(ref cache, 5000, 100_000);
        });
        Assert.Equal(AllocError.CommitRefused, error.Error);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        cache.Dispose();
        allocator.Trim();
        CacheProbe.Use(allocator, 3000, 2000);
    }

    [Fact]
    public void A_disposed_and_a_switched_off_allocator_say_so()
    {
        var allocator = new BitTreeAllocator();
        allocator.Enabled = false;
        Assert.ThrowsAny<Exception>(() => allocator.WarmUp(100, 10));
        allocator.Enabled = true;
        allocator.WarmUp(100, 10);
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => allocator.WarmUp(100, 10));
    }
}
