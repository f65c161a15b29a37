using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Contract;

public sealed unsafe class ReallocKeepsContents
{
    [Fact]
    public void From_8_bytes_to_64_KiB_and_back_in_steps_of_one_per_cent()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        nuint size = 8;
        var p = (nuint)allocator.Alloc(ref cache, size);
        Content.Fill(p, size, size);
        while (size < 70_000)
            p = Step(allocator, ref cache, p, ref size, size + Math.Max(1, size / 100));
        while (size > 8)
            p = Step(allocator, ref cache, p, ref size, size - Math.Max(1, size / 100));
        allocator.Free(ref cache, (void*)p, size);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        cache.Dispose();
    }

    [Fact]
    public void Within_a_class_the_address_stays()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        foreach (var size in Sizes.Classes.Where(size => size >= 16).Select(size => (nuint)size))
        {
            var p = allocator.Alloc(ref cache, size);
            Assert.Equal((nuint)p, (nuint)allocator.Realloc(ref cache, p, size - 1));
            Assert.Equal((nuint)p, (nuint)allocator.Realloc(ref cache, p, size));
            allocator.Free(ref cache, p, size);
        }

        cache.Dispose();
    }

    private static nuint Step(BitTreeAllocator allocator, ref ThreadCache cache, nuint p, ref nuint size, nuint newSize)
    {
        var moved = (nuint)allocator.Realloc(ref cache, (void*)p, newSize);
        Assert.Equal(-1, Content.FirstDifference(moved, size, size, Math.Min(size, newSize)));
        Assert.Equal(BitTreeAllocator.GoodSize(newSize), allocator.UsableSize((void*)moved));
        size = newSize;
        Content.Fill(moved, size, size);
        return moved;
    }
}
