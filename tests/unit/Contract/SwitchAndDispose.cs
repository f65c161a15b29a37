namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>The on/off switch, and use after Dispose.</summary>
public sealed unsafe class SwitchAndDispose
{
    [Fact]
    public void Switched_off_every_request_is_refused_and_frees_still_work()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        Assert.True(allocator.Enabled);
        var small = allocator.Alloc(ref cache, 100);
        var second = allocator.Alloc(ref cache, 100);
        var large = allocator.Alloc(ref cache, 100_000);
        allocator.Enabled = false;
        Assert.False(allocator.Enabled);
        foreach (var size in new nuint[] { 0, 100, 65536, 100_000 })
        {
            Assert.False(allocator.TryAlloc(ref cache, size, out var p, out var error));
            Assert.Equal(AllocError.Disabled, error);
            Assert.Equal((nuint)0, (nuint)p);
            Assert.False(allocator.TryAlloc(size, out _, out error));
            Assert.Equal(AllocError.Disabled, error);
            Assert.False(allocator.TryAllocZeroed(ref cache, size, out _, out error));
            Assert.Equal(AllocError.Disabled, error);
            Assert.False(allocator.TryAllocAligned(ref cache, size, 64, out _, out error));
            Assert.Equal(AllocError.Disabled, error);
        }

        Assert.False(allocator.TryRealloc(ref cache, second, 5000, out _, out var reason));
        Assert.Equal(AllocError.Disabled, reason);
        Assert.ThrowsAny<Exception>(() => { allocator.Alloc(100); });
        allocator.Free(ref cache, small, 100);
        allocator.Free(ref cache, second);
        allocator.Free(ref cache, large);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        allocator.Enabled = true;
        Assert.True(allocator.TryAlloc(ref cache, 100, out small, out reason));
        allocator.Free(ref cache, small);
        cache.Dispose();
    }

    [Fact]
    public void Other_threads_with_full_caches_see_the_switch_too()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        for (var i = 0; i < 40; i++)
            allocator.Free(ref cache, allocator.Alloc(ref cache, 64));
        var thread = new Thread(() => allocator.Enabled = false);
        thread.Start();
        thread.Join();
        Assert.False(allocator.TryAlloc(ref cache, 64, out _, out var error));
        Assert.Equal(AllocError.Disabled, error);
        allocator.Enabled = true;
        cache.Dispose();
    }

    [Fact]
    public void Use_after_dispose_is_told()
    {
        var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var p = allocator.Alloc(ref cache, 100);
        allocator.Free(ref cache, p);
        allocator.Free(allocator.Alloc(100));
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { allocator.Alloc(100); });
        Assert.Throws<ObjectDisposedException>(() => { allocator.Alloc(100_000); });
        Assert.Throws<ObjectDisposedException>(() => { allocator.AllocZeroed(100); });
        Assert.Throws<ObjectDisposedException>(() => { allocator.AllocAligned(100, 4096); });
        Assert.Throws<ObjectDisposedException>(() => allocator.Free(p));
        Assert.Throws<ObjectDisposedException>(() => { allocator.Trim(); });
        Assert.Throws<ObjectDisposedException>(() => { allocator.CreateCache(); });
        Assert.Throws<ObjectDisposedException>(() => { allocator.GetStatistics(); });
        Assert.False(allocator.TryAlloc(100, out _, out var error));
        Assert.Equal(AllocError.Disposed, error);
        Assert.False(allocator.TryFree(p, out error));
        Assert.Equal(AllocError.Disposed, error);
        Assert.False(allocator.TryAlloc(ref cache, 100, out _, out error));
        Assert.Equal(AllocError.Disposed, error);
    }

    [Fact]
    public void A_cache_that_outlives_its_allocator_is_told_and_disposed_of_without_harm()
    {
        var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        allocator.Alloc(ref cache, 100);
        var other = allocator.CreateCache();
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Use(allocator, ref cache));
        other.Dispose();

        static void Use(BitTreeAllocator allocator, ref ThreadCache cache) => allocator.Alloc(ref cache, 100);
    }

    [Fact]
    public void Disposing_twice_is_harmless_and_the_shared_instance_cannot_be_disposed_of()
    {
        var allocator = new BitTreeAllocator();
        allocator.Dispose();
        allocator.Dispose();
        Assert.Same(BitTreeAllocator.Shared, BitTreeAllocator.Shared);
        Assert.ThrowsAny<InvalidOperationException>(() => BitTreeAllocator.Shared.Dispose());
        var p = BitTreeAllocator.Shared.Alloc(100);
        BitTreeAllocator.Shared.Free(p);
    }
}
