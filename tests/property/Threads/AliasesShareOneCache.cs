using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>A copied ThreadCache is an alias of the same cache, not a fork that hands every slot out twice.</summary>
public sealed unsafe class AliasesShareOneCache(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void No_slot_is_handed_out_twice_through_copies(CasWidth casWidth)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var seed = Knobs.StressSeed();
        output.WriteLine($"BITTREE_SEED={seed}");
        var random = new Random(seed);
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth });
        var aliases = new ThreadCache[4];
        Array.Fill(aliases, allocator.CreateCache());
        var live = new HashSet<nuint>();
        for (var i = 0; i < 200_000; i++)
        {
            if (live.Count == 0 || random.Next(100) < 55)
            {
                var p = (nuint)allocator.Alloc(ref aliases[random.Next(4)], 48);
                Assert.True(live.Add(p), $"step {i}: {p:x} was handed out twice");
            }
            else
            {
                var p = live.First();
                live.Remove(p);
                allocator.Free(ref aliases[random.Next(4)], (void*)p, 48);
            }
        }

        foreach (var p in live)
            allocator.Free(ref aliases[0], (void*)p);
        aliases[1].Park();
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        aliases[2].Dispose();
    }

    [Fact]
    public void What_one_alias_frees_another_may_be_given()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var alias = cache;
        var p = allocator.Alloc(ref cache, 64);
        allocator.Free(ref alias, p, 64);
        var again = allocator.Alloc(ref cache, 64);
        var other = allocator.Alloc(ref alias, 64);
        Assert.NotEqual((nuint)again, (nuint)other);
        cache.Dispose();
    }

    [Fact]
    public void A_cache_made_by_default_binds_itself_and_is_disposed_of_twice_without_harm()
    {
        using var allocator = new BitTreeAllocator();
        ThreadCache cache = default;
        cache.Park();
        var p = allocator.Alloc(ref cache, 100);
        allocator.Free(ref cache, p, 100);
        cache.Dispose();
        cache.Dispose();
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void A_cache_moves_between_threads_along_a_happens_before_edge()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var live = new Queue<nuint>();
        for (var round = 0; round < 200; round++)
        {
            var thread = new Thread(() =>
            {
                for (var i = 0; i < 300; i++)
                {
                    live.Enqueue((nuint)allocator.Alloc(ref cache, 80));
                    if (live.Count > 500)
                        allocator.Free(ref cache, (void*)live.Dequeue(), 80);
                }
            });
            thread.Start();
            thread.Join();
        }

        Assert.Equal(live.Count, live.Distinct().Count());
        Assert.Equal((nuint)(live.Count * 80), allocator.GetStatistics().LiveBytes);
        foreach (var p in live)
            allocator.Free(ref cache, (void*)p);
        cache.Dispose();
    }
}
