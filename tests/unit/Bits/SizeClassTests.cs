using System.Numerics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>The size classes against a slow oracle, and the promises that a user sees: waste and alignment.</summary>
public sealed class SizeClassTests
{
    private static readonly int[] s_slots = Enumerable.Range(1, SizeClasses.Last).Select(c => SizeClasses.SlotSize(c, 8)).ToArray();

    [Fact]
    public void Every_entry_of_the_table_is_the_smallest_class_that_fits()
    {
        Assert.Equal((SizeClasses.TableLimit / 8) + 1, SizeClassTable.ClassByWords.Length);
        for (var entry = 0; entry < SizeClassTable.ClassByWords.Length; entry++)
            Assert.Equal(Oracle(entry * 8), SizeClassTable.ClassByWords[entry]);
    }

    [Fact]
    public void Every_size_to_64_KiB_gets_the_smallest_class_that_fits()
    {
        for (var size = 0; size <= SizeClasses.MaxSize; size++)
            if (SizeClasses.ClassOf((nuint)size) != Oracle(size))
                Assert.Fail($"size {size} got class {SizeClasses.ClassOf((nuint)size)}; the smallest that fits is {Oracle(size)}");
    }

    [Fact]
    public void No_size_above_64_KiB_has_a_class()
    {
        for (var size = SizeClasses.MaxSize + 1; size <= 1 << 20; size++)
            if (SizeClasses.ClassOf((nuint)size) != SizeClasses.None)
                Assert.Fail($"size {size} got class {SizeClasses.ClassOf((nuint)size)}");
        Assert.Equal(SizeClasses.None, SizeClasses.ClassOf(nuint.MaxValue));
        Assert.Equal(SizeClasses.None, SizeClasses.ClassOf((nuint)1 << 32));
    }

    [Fact]
    public void Slot_sizes_grow_strictly_in_the_documented_steps()
    {
        for (var index = 1; index < s_slots.Length; index++)
        {
            var step = s_slots[index] - s_slots[index - 1];
            var doubling = BitOperations.RoundUpToPowerOf2((uint)s_slots[index]);
            Assert.Equal(s_slots[index] <= 64 ? 8 : (int)doubling / (s_slots[index] <= 8192 ? 16 : 8), step);
        }

        Assert.Equal(8, s_slots[0]);
        Assert.Equal(SizeClasses.MaxSize, s_slots[^1]);
    }

    [Fact]
    public void A_minimum_alignment_of_16_makes_every_slot_a_multiple_of_16_and_no_more_than_8_larger()
    {
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            Assert.Equal(0, SizeClasses.SlotSize(sizeClass, 16) % 16);
            Assert.InRange(SizeClasses.SlotSize(sizeClass, 16) - SizeClasses.SlotSize(sizeClass, 8), 0, 8);
        }
    }

    [Fact]
    public void Waste_is_at_most_an_eighth_to_8_KiB_and_a_fifth_above()
    {
        for (var size = 128; size <= SizeClasses.MaxSize; size++)
        {
            var slot = Slot(size, 8);
            var allowed = size <= 8192 ? 0.125 : 0.20;
            if ((slot - size) / (double)slot > allowed)
                Assert.Fail($"a request of {size} bytes wastes {slot - size} of {slot}");
        }

        // The bound is not idle: some size comes within a tenth of it.
        Assert.Contains(Enumerable.Range(8193, 60000 - 8193), size => (Slot(size, 8) - size) / (double)Slot(size, 8) > 0.18);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void A_multiple_of_16_lies_at_16_and_a_multiple_of_64_at_64(int minimumAlignment)
    {
        for (var size = 1; size <= SizeClasses.MaxSize; size++)
        {
            // A slot lies at a multiple of its size from a block's start, and blocks start at 16 KiB at least.
            var promised = size % 64 == 0 ? 64 : size % 16 == 0 ? 16 : minimumAlignment;
            if (Slot(size, minimumAlignment) % promised != 0)
                Assert.Fail($"size {size} has slots of {Slot(size, minimumAlignment)} bytes, which do not keep {promised}");
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void A_size_rounded_up_to_an_alignment_has_slots_that_keep_it(int minimumAlignment)
    {
        for (var alignment = 1; alignment <= SizeClasses.MaxSize; alignment *= 2)
            for (var rounded = alignment; rounded <= SizeClasses.MaxSize; rounded += alignment)
                if (Slot(rounded, minimumAlignment) % alignment != 0)
                    Assert.Fail($"{rounded} bytes at {alignment}: slots of {Slot(rounded, minimumAlignment)} bytes");
    }

    [Fact]
    public void A_rule_without_rounding_would_break_alignment()
    {
        // The control of the two tests above: 100 bytes at 64 without rounding to 128 get a slot of 104.
        Assert.NotEqual(0, Slot(100, 8) % 64);
        Assert.Equal(0, Slot(128, 8) % 64);
    }

    private static int Slot(int size, int minimumAlignment) => SizeClasses.SlotSize(SizeClasses.ClassOf((nuint)size), minimumAlignment);

    private static int Oracle(int size)
    {
        for (var index = 0; index < s_slots.Length; index++)
            if (s_slots[index] >= size)
                return index + 1;
        return SizeClasses.None;
    }
}
