using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>Where the system gives no more, the slots of threads that sleep are used before a request fails.</summary>
public sealed unsafe class ShortageTests
{
    [Theory]
    [InlineData(9000)]
    [InlineData(48)]
    [InlineData(200_000)]
    public void No_request_fails_while_the_cache_of_a_sleeping_thread_holds_memory(int size)
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 16 << 20 });
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        using var owner = new Sleeper();
        owner.Do(() =>
        {
            for (var one = 16; one <= 65_536; one = (one * 5 / 4) + 8)
                _ = CacheProbe.FillTwo(allocator, one);
        });
        var cache = allocator.CreateCache();
        var served = Fill(allocator, ref cache, size);
        Assert.Equal((nuint)0, allocator.GetStatistics().CachedBytes);

        // Nor would a trim have helped: but for what one more look at the system gives.
        allocator.Trim();
        Assert.InRange(Fill(allocator, ref cache, size), 0, served / 20);
        cache.Dispose();
    }

    private static int Fill(BitTreeAllocator allocator, ref ThreadCache cache, int size)
    {
        var count = 0;
        for (; allocator.TryAlloc(ref cache, (nuint)size, out var slot, out _); count++)
            *(int*)slot = count;
        return count;
    }
}
