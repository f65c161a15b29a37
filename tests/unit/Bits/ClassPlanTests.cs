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
            for (var offset = 0ul; offset < 1 << 16; offset++)
                if ((offset * info.Reciprocal) >> 32 != offset / (ulong)info.SlotSize)
                    Assert.Fail($"{offset} / {info.SlotSize} came to {(offset * info.Reciprocal) >> 32}");
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
            var block = sizeClass <= ClassPlan.LastSmallBlockClass ? 16 << 10 : 64 << 10;
            Assert.Equal(block / info.SlotSize, info.Capacity);
            Assert.InRange(info.Capacity, info.SlotSize <= 8192 ? 8 : 1, ClassPlan.BitmapWords * 64);
            Assert.InRange(info.Capacity, 1, BlockWord.MaxSlots);
        }
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void A_magazine_holds_4_to_125_slots_and_16_KiB_where_that_is_more_than_4(int minimumAlignment)
    {
        foreach (var info in Fill(minimumAlignment).Skip(1))
        {
            Assert.InRange(info.MagazineSlots, 4, 125);
            Assert.True(info.MagazineSlots == 4 || info.MagazineSlots * info.SlotSize <= 16 << 10);
            Assert.InRange((long)info.RecyclerDepth * info.MagazineSlots * info.SlotSize, 1, Math.Max(64 << 10, info.MagazineSlots * info.SlotSize));
        }
    }

    [Fact]
    public void Columns_are_dense_per_kind_of_block()
    {
        var infos = Fill(8).Skip(1).ToArray();
        Assert.Equal([0, 1, 2, 3], infos.Where(info => info.Kind == 0).Select(info => info.Column));
        Assert.Equal(Enumerable.Range(0, 72), infos.Where(info => info.Kind == 1).Select(info => info.Column));
    }

    private static ClassInfo[] Fill(int minimumAlignment)
    {
        var infos = new ClassInfo[SizeClasses.Count];
        fixed (ClassInfo* first = infos)
            ClassPlan.Fill(first, minimumAlignment, ShippedGeometry.MagazineWords, 64 << 10);
        return infos;
    }
}
