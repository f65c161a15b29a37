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
    public void A_magazine_holds_4_to_125_slots_and_16_KiB_where_that_is_more_than_4_and_medium_ones_256_KiB(int minimumAlignment)
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
                Assert.InRange(info.MagazineSlots, 4, 125);
                Assert.True(info.MagazineSlots == 4 || info.MagazineSlots * info.SlotSize <= 16 << 10);
            }

            Assert.InRange((long)info.RecyclerDepth * info.MagazineSlots * info.SlotSize, 1, Math.Max(64 << 10, info.MagazineSlots * info.SlotSize));
        }
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

    private static ClassInfo[] Fill(int minimumAlignment)
    {
        var infos = new ClassInfo[SizeClasses.Count];
        fixed (ClassInfo* first = infos)
            ClassPlan.Fill(first, minimumAlignment, ShippedGeometry.MagazineWords, 64 << 10);
        return infos;
    }
}
