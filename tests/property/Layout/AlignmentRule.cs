using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Layout;

/// <summary>What alignment a caller may count on: 64 where the size is a multiple of 64, 16 where it is one of 16, otherwise 8, or the minimum of the options.</summary>
public sealed unsafe class AlignmentRule
{
    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Every_size_to_8_KiB_is_aligned_by_its_divisor(int minimum)
    {
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { MinimumAlignment = minimum });
        using var cache = allocator.CreateCache();
        var own = cache;
        var slots = stackalloc void*[3];
        for (nuint size = 0; size <= 8192; size++)
        {
            var needed = Sizes.NaturalAlignment(size, minimum);
            for (var i = 0; i < 3; i++)
            {
                slots[i] = i == 2 ? allocator.AllocZeroed(ref own, size) : allocator.Alloc(ref own, size);
                if ((nuint)slots[i] % needed != 0)
                    Assert.Fail($"{size} bytes at {(nuint)slots[i]:x} are not aligned to {needed}");
            }

            for (var i = 0; i < 3; i++)
                allocator.Free(ref own, slots[i], size);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Every_power_of_two_to_1_GiB_is_kept_with_every_kind_of_size(int minimum)
    {
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { MinimumAlignment = minimum });
        using var cache = allocator.CreateCache();
        var own = cache;
        foreach (var size in new nuint[] { 0, 1, 8, 24, 63, 64, 65, 100, 1000, 4095, 4096, 4097, 10_000, 65535, 65536, 65537, 2 << 20 })
        {
            for (nuint alignment = 1; alignment <= BitTreeAllocator.MaxAlignment; alignment *= 2)
            {
                var first = (byte*)allocator.AllocAligned(ref own, size, alignment);
                var second = (byte*)allocator.AllocAligned(ref own, size, alignment);
                Assert.True((nuint)first % alignment == 0 && (nuint)second % alignment == 0, $"{size} bytes aligned to {alignment}: {(nuint)first:x}, {(nuint)second:x}");
                Assert.True(allocator.UsableSize(first) >= size, $"{size} bytes aligned to {alignment}: usable {allocator.UsableSize(first)}");
                if (size > 0)
                    first[0] = first[size - 1] = second[0] = second[size - 1] = 1;
                allocator.FreeAligned(ref own, first, size, alignment);
                allocator.Free(ref own, second);
            }
        }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void ReallocAligned_keeps_alignment_and_contents()
    {
        using var allocator = new BitTreeAllocator();
        using var cache = allocator.CreateCache();
        var own = cache;
        for (nuint alignment = 1; alignment <= 4096; alignment *= 2)
        {
            var p = allocator.AllocAligned(ref own, 100, alignment);
            Content.Fill((nuint)p, 100, alignment);
            foreach (var size in new nuint[] { 200, 5000, 70_000, 300_000, 3000, 100 })
            {
                p = allocator.ReallocAligned(ref own, p, size, alignment);
                Assert.Equal((nuint)0, (nuint)p % alignment);
                Assert.Equal(-1, Content.FirstDifference((nuint)p, 100, alignment, 100));
            }

            allocator.FreeAligned(ref own, p, 100, alignment);
        }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }
}
