using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>What a heap derives from a class: the reciprocal that replaces a division, blocks and magazines.</summary>
public sealed unsafe class ClassPlanTests
{
    public static TheoryData<int> Alignments => [8, 16];

    [Theory]
    [MemberData(nameof(Alignments))]
    public void The_reciprocal_divides_every_offset_of_a_block_exactly(int minimumAlignment)
    {
        foreach (var info in Fill(minimumAlignment).Skip(1))
            for (var offset = 0ul; offset < 1ul << info.BlockShift; offset += info.BlockShift > 16 && (offset & 0xFFF) == 1 ? 0xFFEul : 1)
                if (info.SlotAt(offset) != (int)(offset / (ulong)info.SlotSize))
                    Assert.Fail($"{offset} / {info.SlotSize} came to {info.SlotAt(offset)}");
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void Every_medium_slot_is_a_multiple_of_the_unit_that_its_reciprocal_divides_in(int minimumAlignment)
    {
        foreach (var info in Fill(minimumAlignment).Skip(1))
        {
            Assert.Equal(info.BlockShift > 16 ? ClassPlan.MediumUnitShift : 0, info.UnitShift);
            Assert.Equal(0, info.SlotSize & ((1 << info.UnitShift) - 1));
        }
    }

    [Fact]
    public void A_reciprocal_rounded_down_would_be_wrong()
    {
        var wrong = (1ul << 32) / 24;
        Assert.Contains(Enumerable.Range(0, 1 << 16), offset => ((ulong)offset * wrong) >> 32 != (ulong)offset / 24);
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void A_block_holds_what_fits_and_its_bitmap_covers_it(int minimumAlignment)
    {
        var infos = Fill(minimumAlignment);
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var info = infos[sizeClass];
            var block = info.SlotSize <= 32 ? 16 << 10 : info.SlotSize <= 64 << 10 ? 64 << 10 : info.SlotSize <= 256 << 10 ? 1 << 20 : 4 << 20;
            Assert.Equal((block, info.BlockShift), (1 << info.BlockShift, ClassPlan.BlockShift(info.Kind)));
            Assert.Equal(block / info.SlotSize, info.Capacity);
            var isMedium = info.SlotSize > 64 << 10;
            Assert.InRange(info.Capacity, info.SlotSize <= 8192 ? 8 : isMedium ? 2 : 1, isMedium ? 64 : ClassPlan.BitmapWords * 64);
            Assert.True(!isMedium || block <= 13 * info.SlotSize, $"a block of {block} for slots of {info.SlotSize}");
            Assert.InRange(info.Capacity, 1, BlockWord.MaxSlots);
        }
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void A_magazine_holds_4_to_125_slots_and_64_KiB_where_that_is_more_than_4_and_medium_ones_256_KiB(int minimumAlignment)
    {
        foreach (var info in Fill(minimumAlignment).Skip(1))
        {
            if (info.SlotSize > 64 << 10)
            {
                // Medium: half a MiB, 1 to 4 slots, and no slot less than fits.
                Assert.Equal(info.SlotSize > 256 << 10 ? 1 : (256 << 10) / info.SlotSize, info.MagazineSlots);
                Assert.True(info.MagazineSlots == 1 || info.MagazineSlots * info.SlotSize <= 256 << 10);
            }
            else
            {
                Assert.Equal(SmallMagazine(info, 64 << 10), info.MagazineSlots);
                Assert.InRange(info.MagazineSlots, 4, 125);
                Assert.True(info.MagazineSlots == 4 || info.MagazineSlots * info.SlotSize <= 64 << 10);
            }

            var magazine = info.MagazineSlots * info.SlotSize;
            Assert.InRange((long)info.RecyclerDepth * magazine, 1, Math.Max(320 << 10, magazine));
            Assert.True(info.RecyclerDepth == 40 || (info.RecyclerDepth < 40 && (info.RecyclerDepth + 1) * magazine > 320 << 10), $"{info.RecyclerDepth} magazines of {magazine} bytes");
        }
    }

    [Theory]
    [InlineData(1 << 10)]
    [InlineData(5000)]
    [InlineData(16 << 10)]
    [InlineData(1 << 20)]
    public void A_magazine_holds_what_the_policy_says_for_good(int bytes)
    {
        using var allocator = new BitTreeAllocator(new() { Policy = MemoryPolicy.Of(Profile.Balanced) with { MagazineBytes = bytes } });
        Check(allocator, bytes);
        allocator.Policy = allocator.Policy with { MagazineBytes = 64 << 10 };
        Check(allocator, bytes);
    }

    [Theory]
    [InlineData(Profile.Balanced, 64 << 10)]
    [InlineData(Profile.LowLatency, 64 << 10)]
    [InlineData(Profile.LargeBuffers, 64 << 10)]
    [InlineData(Profile.Frugal, 16 << 10)]
    public void A_magazine_holds_64_KiB_in_every_profile_but_Frugal_16_KiB(Profile profile, int bytes)
    {
        using var allocator = new BitTreeAllocator(new() { Profile = profile });
        Check(allocator, bytes);
    }

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(0)]
    [InlineData((1 << 10) - 1)]
    [InlineData((1 << 20) + 1)]
    public void Bytes_of_a_magazine_out_of_range_are_told_with_the_value_and_the_limits(int bytes)
    {
        var bad = MemoryPolicy.Of(Profile.Balanced) with { MagazineBytes = bytes };
        using var allocator = new BitTreeAllocator();
        foreach (var error in new[] { Assert.Throws<ArgumentException>(() => new BitTreeAllocator(new() { Policy = bad })), Assert.Throws<ArgumentException>(() => allocator.Policy = bad) })
            Assert.All(["MagazineBytes", $"{bytes};", "1024", "1048576"], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        Check(allocator, 64 << 10);
    }

    [Fact]
    public void Columns_are_dense_per_kind_of_block()
    {
        var infos = Fill(8).Skip(1).ToArray();
        Assert.Equal([0, 1, 2, 3], infos.Where(info => info.Kind == 0).Select(info => info.Column));
        Assert.Equal(Enumerable.Range(0, 72), infos.Where(info => info.Kind == 1).Select(info => info.Column));
        Assert.Equal(Enumerable.Range(0, 8), infos.Where(info => info.Kind == 2).Select(info => info.Column));
        Assert.Equal(Enumerable.Range(0, 12), infos.Where(info => info.Kind == 3).Select(info => info.Column));
    }

    private static int SmallMagazine(ClassInfo info, int bytes) => Math.Clamp(bytes / info.SlotSize, 4, 125);

    private static void Check(BitTreeAllocator allocator, int magazineBytes)
    {
        Assert.True(allocator.TryVisit(out var heap));
        var infos = Enumerable.Range(1, SizeClasses.LastSmall).Select(sizeClass => heap->Classes[sizeClass]).ToArray();
        allocator.EndVisit();
        Assert.All(infos, info => Assert.Equal(SmallMagazine(info, magazineBytes), info.MagazineSlots));
    }

    private static ClassInfo[] Fill(int minimumAlignment)
    {
        var infos = new ClassInfo[SizeClasses.Count];
        fixed (ClassInfo* first = infos)
            ClassPlan.Fill(first, minimumAlignment, ShippedGeometry.MagazineWords, new BitTreeAllocatorOptions().RecyclerBytesPerClass);
        return infos;
    }
}
