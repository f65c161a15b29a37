using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Caches;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Ahead;

/// <summary>A seal counts calls or refuses them, and changes nothing else. What ends the process is in SteadyPhaseTests.</summary>
public sealed unsafe class SealTests
{
    private const int MiB = 1 << 20;
    private static readonly int[] s_sizes = [16, 100, 1000, 4000, 60_000, 100_000, 1_000_000, 3 * MiB, 20 * MiB];

    [Fact]
    public void A_call_under_a_counting_seal_is_made_and_counted()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        Assert.False(live.Allocator.IsSealed);
        live.Allocator.Seal(OnOsCall.Count);
        Assert.True(live.Allocator.IsSealed);
        var (calls, own) = (os.TotalCalls, live.Figures.OsCalls);
        foreach (var size in s_sizes)
            live.Alloc(size);
        var broken = live.Figures.SealBrokenCalls;
        Assert.InRange(broken, 5, 100);
        Assert.Equal((broken, broken), (os.TotalCalls - calls, live.Figures.OsCalls - own));
        live.Allocator.Unseal();
        live.AllocMany(100, 60_000);
        Assert.Equal((false, broken), (live.Allocator.IsSealed, live.Figures.SealBrokenCalls));
        ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(Profile.Balanced)]
    [InlineData(Profile.LowLatency)]
    [InlineData(Profile.Frugal)]
    [InlineData(Profile.LargeBuffers)]
    public void Under_a_refusing_seal_what_needs_a_call_fails_and_everything_else_is_as_before(Profile profile)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = profile });
        foreach (var size in s_sizes)
            live.AllocMany(3, size);
        live.Allocator.Seal(OnOsCall.Refuse);
        var calls = os.TotalCalls;
        foreach (var size in s_sizes)
        {
            AllocError error;
            for (var i = 0; live.TryAlloc(size, out error); i++)
                Assert.InRange(i, 0, 1_000_000);
            Assert.Equal(AllocError.Sealed, error);
            var (bytes, charged) = (live.Figures.LiveBytes, live.Figures.ChargedBytes);
            Assert.False(live.TryAlloc(size, out error));
            Assert.Equal((AllocError.Sealed, bytes, charged), (error, live.Figures.LiveBytes, live.Figures.ChargedBytes));
            Assert.Equal(AllocError.Sealed, Assert.Throws<AllocatorOutOfMemoryException>(() => live.Allocator.Alloc(ref live.Cache, (nuint)size)).Error);
            Assert.Equal(AllocError.Sealed, Assert.Throws<AllocatorOutOfMemoryException>(() => live.Allocator.AllocZeroed(ref live.Cache, (nuint)size)).Error);
            ChargeWalk.Check(live.Heap);
        }

        // A reallocation that cannot be leaves what it was to move.
        var moved = live.Live[0];
        Assert.Equal(AllocError.Sealed, Assert.Throws<AllocatorOutOfMemoryException>(() => live.Allocator.Realloc(ref live.Cache, (void*)moved.Address, 50 * MiB)).Error);
        live.CheckAll();
        Assert.InRange(live.Figures.SealBrokenCalls, s_sizes.Length, long.MaxValue);

        // Every free succeeds without a call, and what was freed serves again.
        var broken = live.Figures.SealBrokenCalls;

        live.FreeWhere(i => i % 2 == 0);
        Assert.Equal(broken, live.Figures.SealBrokenCalls);
        foreach (var size in s_sizes)
            Assert.True(live.TryAlloc(size, out var error), $"{size}: {error}");
        live.CheckAll();
        live.FreeAll();
        Assert.Equal((calls, broken), (os.TotalCalls, live.Figures.SealBrokenCalls));
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        ChargeWalk.Check(live.Heap);
        live.Allocator.Unseal();
        foreach (var size in s_sizes)
            live.AllocMany(5, size);
        live.CheckAll();
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Mappings_of_their_own_are_refused_and_freed()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        var huge = (nuint)65 << 30;
        var mapping = live.Allocator.Alloc(ref live.Cache, huge);
        *(byte*)mapping = 1;
        live.Allocator.Seal(OnOsCall.Refuse);
        Assert.False(live.Allocator.TryAlloc(ref live.Cache, huge, out _, out var error));
        Assert.Equal(AllocError.Sealed, error);
        live.Allocator.Free(ref live.Cache, mapping);
        Assert.Equal((nuint)0, live.Figures.DirectBytes);
        Assert.Equal(SizeCategory.None, live.Allocator.CategoryOf(mapping));
        live.Allocator.Unseal();
        live.Allocator.Dispose();
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void After_reserve_and_warm_up_a_phase_of_mixed_sizes_makes_no_call() => Seeded.Run(3, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        foreach (var size in s_sizes)
        {
            Assert.InRange(live.Allocator.Reserve((nuint)size, 60), 60, long.MaxValue);
            if (size <= BitTreeAllocator.MaxMediumSize)
                live.Allocator.WarmUp(ref live.Cache, (nuint)size, 60);
        }

        live.Allocator.Seal(OnOsCall.Refuse);
        var (calls, own) = (os.TotalCalls, live.Figures.OsCalls);
        for (var step = 0; step < 400; step++)
        {
            if (live.Count > 40)
            {
                var gone = random.Next(live.Count);
                live.FreeWhere(i => i == gone);
            }

            var size = s_sizes[random.Next(s_sizes.Length - (step % 10 == 0 ? 0 : 2))]; // large ones are filled and checked in full
            Assert.True(live.TryAlloc(size, out var error), $"step {step}, {size} bytes: {error}");
        }

        Assert.Equal((calls, own, 0), (os.TotalCalls, live.Figures.OsCalls, live.Figures.SealBrokenCalls));
        live.FreeAll();
        Assert.Equal((calls, own, 0), (os.TotalCalls, live.Figures.OsCalls, live.Figures.SealBrokenCalls));
    });

    [Fact]
    public void A_tick_under_a_seal_purges_nothing_and_breaks_nothing_and_one_after_it_does()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.Frugal });
        using var owner = new Sleeper();
        owner.Do(() => CacheProbe.Use(live.Allocator, 500, 300));
        live.AllocMany(10, 3 * MiB);
        live.AllocMany(100, 60_000);
        live.Allocator.Seal(OnOsCall.Refuse);
        live.FreeAll();
        var calls = os.TotalCalls;
        for (var tick = 0; tick < 5; tick++)
            live.Allocator.Tick();
        Assert.Equal((calls, 0), (os.TotalCalls, live.Figures.SealBrokenCalls));
        live.Allocator.Unseal();
        live.Allocator.Tick();
        Assert.InRange(os.Calls(VmVerb.Purge), 1, long.MaxValue);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void A_trim_under_a_refusing_seal_flushes_and_purges_nothing()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(10, 3 * MiB);
        live.AllocMany(300, 60_000);
        live.AllocMany(5000, 100);
        live.Allocator.Seal(OnOsCall.Refuse);
        live.FreeWhere(i => i % 7 != 0);
        var calls = os.TotalCalls;
        var result = live.Allocator.Trim(ref live.Cache);
        Assert.Equal((calls, (nuint)0, true), (os.TotalCalls, result.PurgedBytes, result.FlushedSlots > 0));
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
        for (var i = 0; i < 200; i++)
            Assert.True(live.TryAlloc(60_000, out var error), $"{error}");
        live.Allocator.Unseal();
        live.FreeWhere(i => i % 3 != 0);
        Assert.InRange((ulong)live.Allocator.Trim(ref live.Cache).PurgedBytes, 1ul, ulong.MaxValue);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void New_caches_under_a_refusing_seal_are_made_or_refused_and_all_work_after_it()
    {
        using var allocator = new BitTreeAllocator();
        var caches = new List<ThreadCache>();
        allocator.Seal(OnOsCall.Refuse);
        var refused = 0;
        for (var i = 0; i < 500; i++)
        {
            try
            {
                caches.Add(allocator.CreateCache());
            }
            catch (AllocatorOutOfMemoryException e)
            {
                Assert.Equal(AllocError.Sealed, e.Error);
                refused++;
            }
        }

        Assert.InRange(allocator.GetStatistics().SealBrokenCalls, refused, long.MaxValue);
        allocator.Unseal();
        caches.Add(allocator.CreateCache());
        foreach (var one in caches)
        {
            var cache = one;
            allocator.Free(ref cache, allocator.Alloc(ref cache, 100));
            cache.Dispose();
        }

        Assert.Equal(0, allocator.GetStatistics().CacheCount);
    }

    [Fact]
    public void Reserve_and_prefault_meet_the_seal()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.Alloc(3 * MiB);
        live.Allocator.Seal(OnOsCall.Refuse);
        var calls = os.TotalCalls;
        var result = live.Allocator.Reserve(new ReservePlan { { 3 * MiB, 100 }, { 100, 100_000 } });
        Assert.All(result, one => Assert.Equal(AllocError.Sealed, one.Error));
        Assert.False(PrefaultTests.Prefault(live.Allocator, (void*)live.Live[0].Address, 3 * MiB));
        Assert.Equal(calls, os.TotalCalls);
        live.Allocator.Unseal();
        Assert.True(PrefaultTests.Prefault(live.Allocator, (void*)live.Live[0].Address, 3 * MiB));
        Assert.Equal(calls + 1, os.TotalCalls);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Seals_that_are_none_are_told()
    {
        var allocator = new BitTreeAllocator();
        foreach (var bad in new[] { 0, 4, -1 })
            Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Seal((OnOsCall)bad));
        allocator.Unseal();
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => allocator.Seal(OnOsCall.Count));
        Assert.Throws<ObjectDisposedException>(allocator.Unseal);
        Assert.Throws<ObjectDisposedException>(() => allocator.IsSealed);
    }
}
