using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Layout;

/// <summary>Every size to 5 MiB against a slow oracle: a linear search over the class sizes that the allocator itself lists.</summary>
public sealed class SizeClassesFit(ITestOutputHelper output)
{
    private const int Last = 5 << 20;

    [Fact]
    public void Every_request_gets_the_smallest_class_that_fits()
    {
        using var allocator = new BitTreeAllocator();
        var classes = allocator.GetStatistics().Classes.Select(one => one.SlotSize).ToArray();
        Assert.Equal(classes.Order().Distinct(), classes);
        Assert.Equal(BitTreeAllocator.MaxMediumSize, classes[^1]);
        Assert.Contains(BitTreeAllocator.MaxSmallSize, classes);
        for (var size = 0; size <= BitTreeAllocator.MaxMediumSize; size++)
        {
            var slot = classes.First(one => one >= size);
            if ((nuint)slot != BitTreeAllocator.GoodSize((nuint)size))
                Assert.Fail($"GoodSize({size}) is {BitTreeAllocator.GoodSize((nuint)size)}, the smallest class that fits is {slot}");
        }
    }

    [Fact]
    public void Above_the_medium_limit_a_good_size_is_the_next_multiple_of_2_MiB_and_above_64_GiB_of_64_KiB()
    {
        for (var unit = 1L; unit <= 40_000; unit++)
        {
            var step = unit <= 32_768 ? 2L << 20 : 64 << 10;
            var multiple = unit <= 32_768 ? unit * step : BitTreeAllocator.MaxRegionSize + ((unit - 32_768) * step);
            foreach (var size in new[] { multiple - step + 1, multiple - (step / 2), multiple - 1, multiple })
                if (size > BitTreeAllocator.MaxMediumSize && BitTreeAllocator.GoodSize((nuint)size) != (nuint)multiple)
                    Assert.Fail($"GoodSize({size}) is {BitTreeAllocator.GoodSize((nuint)size)}, not {multiple}");
        }
    }

    [Fact]
    public void Waste_is_an_eighth_at_most_from_128_bytes_to_8_KiB_and_a_fifth_above()
    {
        var (worst, at) = (0.0, 0);
        for (var size = 128; size <= BitTreeAllocator.MaxMediumSize; size++)
        {
            var slot = (double)BitTreeAllocator.GoodSize((nuint)size);
            var waste = (slot - size) / slot;
            Assert.True(waste <= (size <= 8192 ? 0.125 : 0.20), $"{size} bytes in a slot of {slot}: {waste:P1} wasted");
            if (waste > worst)
                (worst, at) = (waste, size);
        }

        output.WriteLine($"worst waste {worst:P2} at {at} bytes");
    }

    [Fact]
    public void A_good_size_is_its_own_good_size()
    {
        for (var size = 0; size <= Last; size++)
        {
            var good = BitTreeAllocator.GoodSize((nuint)size);
            if (good < (nuint)size || BitTreeAllocator.GoodSize(good) != good)
                Assert.Fail($"GoodSize({size}) is {good}, and its own is {BitTreeAllocator.GoodSize(good)}");
        }
    }

    [Fact]
    public void Sizes_to_64_bytes_have_classes_in_steps_of_8()
    {
        for (var size = 0; size <= 64; size++)
            Assert.Equal((nuint)Math.Max(8, (size + 7) / 8 * 8), BitTreeAllocator.GoodSize((nuint)size));
    }

    [Fact]
    public void The_stated_classes_of_the_tests_are_those_of_the_allocator()
    {
        using var allocator = new BitTreeAllocator();
        Assert.Equal(Sizes.Classes, allocator.GetStatistics().Classes.Select(one => one.SlotSize));
    }
}
