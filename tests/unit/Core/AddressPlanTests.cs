using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Where the spaces of a stretch lie, and the way back from an address.</summary>
public sealed unsafe class AddressPlanTests
{
    private const ulong MiB = 1 << 20;

    public static TheoryData<ulong> Reserves => [0, 16 * MiB, 64 * MiB, 1024 * MiB];

    [Theory]
    [MemberData(nameof(Reserves))]
    public void The_spaces_of_a_stretch_are_disjoint_and_fill_it(ulong reserve)
    {
        using var live = new LiveSet(new() { ReserveBytes = reserve });
        var stretch = Placement<HardwareAtomics>.StretchAt(live.Heap, 0);
        var bytes = reserve == 0 ? 16384 * MiB : reserve;
        Assert.Equal(bytes + (bytes / 4), stretch->Length);
        Assert.Equal(0ul, (ulong)stretch->Base % (2 * MiB));
        Assert.Equal((nint)stretch->Base, (nint)stretch->Large.Data.Base);
        Assert.Equal((nint)stretch->Base + (nint)bytes, (nint)stretch->Small.Data.Base);
        Assert.Equal(bytes, stretch->Large.BlockCount << stretch->Large.BlockShift);
        Assert.Equal(bytes / 4, stretch->Small.BlockCount << stretch->Small.BlockShift);
        Assert.Equal((16, 14), (stretch->Large.BlockShift, stretch->Small.BlockShift));
    }

    [Theory]
    [MemberData(nameof(Reserves))]
    public void No_two_parts_of_the_metadata_overlap(ulong reserve)
    {
        using var live = new LiveSet(new() { ReserveBytes = reserve });
        var stretch = Placement<HardwareAtomics>.StretchAt(live.Heap, 0);
        NoOverlap(stretch);
        Assert.True(stretch->ClassMap + (stretch->Length >> Stretch.GranuleShift) <= stretch->Metadata + stretch->HeaderBytes);
        for (var which = 0; which < Stretch.Spaces; which++)
        {
            // The class map of both spaces is one array inside the header, one byte per granule of the stretch.
            var space = Placement<HardwareAtomics>.SpaceIn(stretch, which);
            Assert.Equal(((ulong)space->Data.Base - (ulong)stretch->Base) >> Stretch.GranuleShift, (ulong)(space->Map - stretch->ClassMap));
        }
    }

    private static void NoOverlap(Stretch* stretch)
    {
        var parts = new List<(ulong Start, ulong End)> { ((ulong)stretch->Metadata, (ulong)stretch->Metadata + stretch->HeaderBytes) };
        for (var which = 0; which < Stretch.Spaces; which++)
        {
            var space = Placement<HardwareAtomics>.SpaceIn(stretch, which);
            foreach (var mark in new[] { space->LeafMark, space->WordMark, space->ResidentMark, space->BitmapMark })
                parts.Add(((ulong)mark.Base, (ulong)mark.Base + mark.Reserved));
            Assert.Equal(0ul, (ulong)space->Trees.Leaves % 64);
            Assert.Equal(0ul, (ulong)space->Words % 64);
        }

        parts.Sort();
        Assert.All(parts.Zip(parts.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start));
        Assert.True(parts[^1].End <= (ulong)stretch->Metadata + stretch->MetadataBytes);
    }

    [Fact]
    public void The_class_map_names_the_class_of_every_granule_of_a_block()
    {
        using var live = new LiveSet(new());
        for (var sizeClass = 1; sizeClass <= SizeClasses.LastSmall; sizeClass++)
        {
            var address = live.Alloc(SizeClasses.SlotSize(sizeClass, 8));
            Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, (ulong)address, out var block));
            var stretch = block.Space->Owner;
            Assert.Equal(0, stretch->Family);
            var first = Blocks<HardwareAtomics, ShippedGeometry>.FirstSlot(block.Space, block.Index);
            for (var at = first; at < first + (1ul << block.Space->BlockShift); at += 1 << Stretch.GranuleShift)
                Assert.Equal(sizeClass, stretch->ClassMap[(at - (ulong)stretch->Base) >> Stretch.GranuleShift]);
            Assert.Equal(sizeClass <= ClassPlan.LastSmallBlockClass ? 14 : 16, block.Space->BlockShift);
        }
    }

    [Fact]
    public void Medium_classes_live_in_a_stretch_of_their_own_without_a_class_map()
    {
        using var live = new LiveSet(new());
        live.Alloc(SizeClasses.MaxSmallSize);
        Assert.True(Placement<HardwareAtomics>.StretchAt(live.Heap, 1) == null);
        for (var sizeClass = SizeClasses.LastSmall + 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var address = live.Alloc(SizeClasses.SlotSize(sizeClass, 8));
            Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, (ulong)address, out var block));
            Assert.Equal((nint)Placement<HardwareAtomics>.StretchAt(live.Heap, 1), (nint)block.Space->Owner);
            Assert.Equal(1, block.Space->Owner->Family);
            Assert.True(block.Space->Owner->ClassMap == null && block.Space->Map == null);
            Assert.Equal(sizeClass <= ClassPlan.LastMediumBlockClass ? 20 : 22, block.Space->BlockShift);
            Assert.Equal(sizeClass, new BlockWord(block.Space->Words[block.Index]).Class);
        }
    }

    [Theory]
    [MemberData(nameof(Reserves))]
    public void The_spaces_and_the_metadata_of_a_medium_stretch_are_disjoint_too(ulong reserve)
    {
        using var live = new LiveSet(new() { ReserveBytes = reserve });
        live.Alloc(SizeClasses.MaxSize);
        var stretch = Placement<HardwareAtomics>.StretchAt(live.Heap, 1);
        var bytes = reserve == 0 ? 16384 * MiB : reserve;
        Assert.Equal(bytes + (bytes / 4), stretch->Length);
        Assert.Equal(0ul, (ulong)stretch->Base % (4 * MiB));
        Assert.Equal((nint)stretch->Base, (nint)stretch->Large.Data.Base);
        Assert.Equal((nint)stretch->Base + (nint)bytes, (nint)stretch->Small.Data.Base);
        Assert.Equal(bytes, stretch->Large.BlockCount << stretch->Large.BlockShift);
        Assert.Equal(bytes / 4, stretch->Small.BlockCount << stretch->Small.BlockShift);
        Assert.Equal((22, 20), (stretch->Large.BlockShift, stretch->Small.BlockShift));
        NoOverlap(stretch);
    }

    [Fact]
    public void Both_ends_of_each_space_are_located_and_nothing_beyond()
    {
        using var live = new LiveSet(new() { ReserveBytes = 16 * MiB });
        live.AllocMany(256, 65_536);
        live.AllocMany(256 * 512, 32);
        var stretch = Placement<HardwareAtomics>.StretchAt(live.Heap, 0);
        var start = (ulong)stretch->Base;
        Located(live, start, stretch->Length, 0, large: true);
        Located(live, start + (16 * MiB) - 1, stretch->Length, 255, large: true);
        Located(live, start + (16 * MiB), stretch->Length, 0, large: false);
        Located(live, start + (20 * MiB) - 1, stretch->Length, 255, large: false);
        foreach (var outside in new[] { start - 1, start + (20 * MiB), 0ul, ulong.MaxValue })
            Assert.False(Placement<HardwareAtomics>.TryLocate(live.Heap, outside, out _));
    }

    [Fact]
    public void An_address_in_a_block_that_was_never_born_is_not_located()
    {
        using var live = new LiveSet(new());
        var block = (ulong)live.Alloc(1000) & ~65_535ul;
        Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, block + 65_535, out _));
        Assert.False(Placement<HardwareAtomics>.TryLocate(live.Heap, block + 65_536, out _));
    }

    [Fact]
    public void Slot_numbers_are_found_from_starts_alone()
    {
        using var live = new LiveSet(new());
        foreach (var size in new[] { 8, 24, 40, 1000, 10_240, 65_536, 81_920, 114_688, 262_144, 327_680, 2_097_152 })
        {
            var address = (ulong)live.Alloc(size);
            Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, address, out var block));
            var word = new BlockWord(block.Space->Words[block.Index]);
            var info = live.Heap->Classes[word.Class];
            for (var offset = 0ul; offset < 1ul << block.Space->BlockShift; offset++)
            {
                var expected = offset % (ulong)info.SlotSize == 0 && offset / (ulong)info.SlotSize < (ulong)word.Cursor ? (int)(offset / (ulong)info.SlotSize) : -1;
                var start = Blocks<HardwareAtomics, ShippedGeometry>.FirstSlot(block.Space, block.Index);
                if (Placement<HardwareAtomics>.SlotOf(block.Space, block.Index, info, start + offset, word.Cursor) != expected)
                    Assert.Fail($"offset {offset} of a block of {info.SlotSize}-byte slots");
            }
        }
    }

    private static void Located(LiveSet live, ulong address, ulong length, ulong index, bool large)
    {
        Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, address, out var block), $"0x{address:x} of {length} bytes");
        Assert.Equal(index, block.Index);
        Assert.Equal(large ? 16 : 14, block.Space->BlockShift);
    }
}
