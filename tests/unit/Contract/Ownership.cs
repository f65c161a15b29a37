namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>Which pointers an allocator calls its own.</summary>
public sealed unsafe class Ownership
{
    [Fact]
    public void Live_pointers_are_owned_and_foreign_ones_are_not()
    {
        using var allocator = new BitTreeAllocator();
        using var other = new BitTreeAllocator();
        var local = 0L;
        foreach (var size in new nuint[] { 0, 100, 8192, 65536, 65537, 5 << 20 })
        {
            var own = (byte*)allocator.Alloc(size);
            var foreign = other.Alloc(size);
            Assert.True(allocator.Owns(own));
            Assert.True(allocator.Owns(own + (size / 2)));
            Assert.False(allocator.Owns(foreign));
            Assert.Equal((nuint)0, allocator.UsableSize(foreign));
            Assert.Equal(BitTreeAllocator.GoodSize(size), allocator.UsableSize(own));
            allocator.Free(own);
            other.Free(foreign);
        }

        Assert.False(allocator.Owns(&local));
        Assert.Equal((nuint)0, allocator.UsableSize(&local));
    }

    [Fact]
    public void A_freed_large_block_is_owned_no_longer()
    {
        using var allocator = new BitTreeAllocator();
        var p = allocator.Alloc(10 << 20);
        allocator.Free(p);
        Assert.False(allocator.Owns(p));
        Assert.Equal((nuint)0, allocator.UsableSize(p));
    }
}
