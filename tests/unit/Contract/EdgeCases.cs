namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>Zero, null, and what lies at the edges of the size categories.</summary>
public sealed unsafe class EdgeCases
{
    [Fact]
    public void A_million_zero_sized_blocks_come_and_go_without_growth()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        allocator.Free(ref cache, allocator.Alloc(ref cache, 0), 0);
        var before = allocator.GetStatistics();
        for (var i = 0; i < 1_000_000; i++)
        {
            var p = allocator.Alloc(ref cache, 0);
            if (p == null)
                Assert.Fail("null for a zero-sized block");
            if (i % 2 == 0)
                allocator.Free(ref cache, p, 0);
            else
                allocator.Free(ref cache, p);
        }

        var after = allocator.GetStatistics();
        Assert.Equal(before.CommittedBytes, after.CommittedBytes);
        Assert.Equal(before.OsCalls, after.OsCalls);
        Assert.Equal((nuint)0, after.LiveBytes);
        cache.Dispose();
    }

    [Fact]
    public void Zero_sized_blocks_are_different_and_have_eight_usable_bytes()
    {
        using var allocator = new BitTreeAllocator();
        var seen = new HashSet<nuint>();
        for (var i = 0; i < 100; i++)
        {
            var p = allocator.Alloc(0);
            Assert.True(seen.Add((nuint)p));
            Assert.Equal((nuint)8, allocator.UsableSize(p));
            *(ulong*)p = ulong.MaxValue;
        }
    }

    [Fact]
    public void Freeing_null_does_nothing_in_every_form()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var before = allocator.GetStatistics();
        allocator.Free(null);
        allocator.Free(null, 100);
        allocator.Free(null, 0);
        allocator.Free(null, 100_000);
        allocator.FreeAligned(null, 100, 64);
        allocator.Free(ref cache, null);
        allocator.Free(ref cache, null, 100);
        allocator.Free(ref cache, null, 100_000);
        allocator.FreeAligned(ref cache, null, 100, 64);
        Assert.True(allocator.TryFree(null, out var error));
        Assert.Equal(AllocError.None, error);
        Assert.True(allocator.TryFree(ref cache, null, out error));
        cache.Park();
        Assert.Equal(before.CachedBytes, allocator.GetStatistics().CachedBytes);
        Assert.Equal((nuint)0, allocator.UsableSize(null));
        Assert.False(allocator.Owns(null));
        cache.Dispose();
    }

    [Fact]
    public void Realloc_of_null_allocates_and_to_zero_keeps_a_block()
    {
        using var allocator = new BitTreeAllocator();
        var p = allocator.Realloc(null, 100);
        Assert.Equal(BitTreeAllocator.GoodSize(100), allocator.UsableSize(p));
        p = allocator.Realloc(p, 0);
        Assert.NotEqual((nuint)0, (nuint)p);
        Assert.Equal((nuint)8, allocator.UsableSize(p));
        allocator.Free(p, 0);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void Counts_times_sizes_are_checked_for_overflow_and_zeros_are_served()
    {
        using var allocator = new BitTreeAllocator();
        var p = (byte*)allocator.AllocZeroed(100, 30);
        Assert.Equal(-1, new Span<byte>(p, 3000).IndexOfAnyExcept((byte)0));
        allocator.Free(p, 3000);
        allocator.Free(allocator.AllocZeroed(0, nuint.MaxValue), 0);
        allocator.Free(allocator.AllocZeroed(nuint.MaxValue, 0), 0);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void Sizes_around_every_limit_are_served_and_every_usable_byte_is_writable()
    {
        using var allocator = new BitTreeAllocator();
        foreach (var edge in new nuint[] { 512, 513, 4095, 4096, 65536, 896 << 10, 2 << 20, 64 << 20 })
            foreach (var size in new[] { edge - 1, edge, edge + 1 })
            {
                var p = (byte*)allocator.Alloc(size);
                var usable = allocator.UsableSize(p);
                Assert.True(usable >= size);
                new Span<byte>(p, (int)usable).Fill(1);
                Assert.True(allocator.Owns(p) && allocator.Owns(p + usable - 1));
                allocator.Free(p, size);
            }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void Huge_blocks_are_served_without_touching_them()
    {
        using var allocator = new BitTreeAllocator();
        foreach (var size in new[] { ((nuint)1 << 30) - 1, (nuint)1 << 30, ((nuint)1 << 30) + 1, (nuint)3 << 30 })
            if (allocator.TryAlloc(size, out var p, out var error))
            {
                Assert.Equal((size + (2 << 20) - 1) >> 21 << 21, allocator.UsableSize(p));
                Assert.Equal(BitTreeAllocator.GoodSize(size), allocator.UsableSize(p));
                *((byte*)p + size - 1) = 1;
                allocator.Free(p);
            }
            else
            {
                Assert.Equal(AllocError.CommitRefused, error);
            }
    }

    [Fact]
    public void Hundreds_of_large_blocks_live_at_once()
    {
        using var allocator = new BitTreeAllocator();
        var blocks = new List<nuint>();
        for (var i = 0; i < 600; i++)
        {
            blocks.Add((nuint)allocator.AllocAligned(70_000, i % 10 == 0 ? 1u << 20 : 4096));
            blocks.Add((nuint)allocator.AllocAligned(3_000_000, i % 10 == 0 ? 1u << 24 : 4096));
        }

        foreach (var p in blocks)
            *(nuint*)p = p;
        var figures = allocator.GetStatistics();
        Assert.Equal(600, figures.Classes.Where(one => one.SlotSize > BitTreeAllocator.MaxSmallSize).Sum(one => one.LiveSlots));
        Assert.Equal((600, 600 * (nuint)(4 << 20), 0), (figures.RegionCount, figures.RegionBytes, figures.DirectCount));
        Assert.Equal(1200, blocks.Distinct().Count());
        foreach (var p in blocks)
        {
            Assert.Equal(p, *(nuint*)p);
            allocator.Free((void*)p);
        }

        figures = allocator.GetStatistics();
        Assert.Equal((0, (nuint)0, (nuint)0), (figures.RegionCount, figures.RegionBytes, figures.LiveBytes));
    }
}
