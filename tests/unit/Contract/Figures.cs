namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>What the statistics promise.</summary>
public sealed unsafe class Figures
{
    [Fact]
    public void A_loop_inside_a_cache_makes_next_to_no_shared_operation()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = new nuint[16];
        Loop(allocator, ref cache, slots, 100);
        cache.Park();
        Loop(allocator, ref cache, slots, 100);
        var before = allocator.GetStatistics().SharedOperations;
        Loop(allocator, ref cache, slots, 10_000);
        var shared = allocator.GetStatistics().SharedOperations - before;
        Assert.True(shared <= 16, $"{shared} shared operations for 160 000 allocations");
        cache.Dispose();
    }

    [Fact]
    public void Bursts_beyond_a_cache_share_few_operations_per_allocation()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = new nuint[2000];
        Loop(allocator, ref cache, slots, 5);
        var before = allocator.GetStatistics().SharedOperations;
        Loop(allocator, ref cache, slots, 50);
        cache.Park();
        var shared = allocator.GetStatistics().SharedOperations - before;
        Assert.True(shared * 4 <= 100_000, $"{shared} shared operations for 100 000 allocations and frees");
        cache.Dispose();
    }

    [Fact]
    public void Caches_are_counted_while_they_live()
    {
        using var allocator = new BitTreeAllocator();
        var before = allocator.GetStatistics().CacheCount;
        var first = allocator.CreateCache();
        var second = allocator.CreateCache();
        allocator.Free(ref second, allocator.Alloc(ref first, 10));
        Assert.Equal(before + 2, allocator.GetStatistics().CacheCount);
        first.Dispose();
        second.Dispose();
        Assert.Equal(before, allocator.GetStatistics().CacheCount);
    }

    [Fact]
    public void Parked_and_trimmed_an_allocator_without_live_blocks_caches_nothing()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = new nuint[3000];
        Loop(allocator, ref cache, slots, 3);
        Assert.True(allocator.GetStatistics().CachedBytes > 0);
        cache.Park();
        allocator.Trim();
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);
        Assert.All(allocator.GetStatistics().Classes, one => Assert.Equal(0, one.CachedSlots + one.LiveSlots));
        cache.Dispose();
    }

    private static void Loop(BitTreeAllocator allocator, ref ThreadCache cache, nuint[] slots, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < slots.Length; i++)
                slots[i] = (nuint)allocator.Alloc(ref cache, 48);
            for (var i = 0; i < slots.Length; i++)
                allocator.Free(ref cache, (void*)slots[i], 48);
        }
    }
}
