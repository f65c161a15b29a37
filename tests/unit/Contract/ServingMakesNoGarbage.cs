namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>No serving path allocates on the GC heap, slow ones included.</summary>
public sealed unsafe class ServingMakesNoGarbage
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Auto)]
    public void A_hundred_thousand_mixed_operations_allocate_no_object(CasWidth casWidth)
    {
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth });
        var cache = allocator.CreateCache();
        var live = new nuint[4000];
        Mix(allocator, ref cache, live, 60_000, seed: 1); // So long that it comes to a Trim: the runtime allocates when a system call is bound.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Mix(allocator, ref cache, live, 100_000, seed: 2);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        cache.Dispose();
    }

    [Fact]
    public void A_refused_request_told_by_a_Try_form_allocates_no_object()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        Refused(allocator, ref cache);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Refused(allocator, ref cache);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        cache.Dispose();
    }

    private static void Refused(BitTreeAllocator allocator, ref ThreadCache cache)
    {
        _ = allocator.TryAlloc(ref cache, nuint.MaxValue, out _, out _);
        _ = allocator.TryAllocAligned(ref cache, 8, 3, out _, out _);
        var local = 0;
        _ = allocator.TryFree(ref cache, &local, out _);
        _ = allocator.TryAlloc(nuint.MaxValue, out _, out _);
    }

    // Bursts of growing size, so that magazines fill and empty, blocks are born and flushed; large ones, reallocs, zeroed ones, the ambient cache, park and trim.
    private static void Mix(BitTreeAllocator allocator, ref ThreadCache cache, nuint[] live, int steps, uint seed)
    {
        var state = seed;
        var count = 0;
        for (var i = 0; i < steps; i++)
        {
            state = (state * 1664525) + 1013904223;
            var size = (nuint)((state >> 8) % ((state & 31) == 0 ? 70_000u : 900u));
            var growing = i / 3000 % 2 == 0;
            if (count < live.Length && (growing || count == 0))
            {
                live[count++] = (nuint)((state >> 28) switch
                {
                    0 => allocator.AllocZeroed(ref cache, size),
                    1 => allocator.AllocAligned(ref cache, size, 64),
                    2 => allocator.Alloc(size),
                    3 => allocator.Realloc(ref cache, allocator.Alloc(ref cache, size), size * 2),
                    _ => allocator.Alloc(ref cache, size),
                });
                continue;
            }

            var p = (void*)live[--count];
            if ((state >> 28) < 3)
                allocator.Free(p);
            else
                allocator.Free(ref cache, p);
            if (i % 5000 == 0)
                cache.Park();
            if (i % 20_000 == 0)
                allocator.Trim(ref cache);
        }

        while (count > 0)
            allocator.Free(ref cache, (void*)live[--count]);
    }
}
