using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Contract;

/// <summary>A free that is told the size and one that finds it do the same.</summary>
public sealed unsafe class UnsizedFreeEqualsSizedFree(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void For_every_size_to_64_KiB_both_leave_the_same_figures(CasWidth casWidth)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var options = (Setup.Default with { CasWidth = casWidth }).ToOptions();
        using var sized = new BitTreeAllocator(options);
        using var unsized = new BitTreeAllocator(options);
        var sizedCache = sized.CreateCache();
        var unsizedCache = unsized.CreateCache();
        for (nuint size = 0; size <= BitTreeAllocator.MaxSmallSize; size++)
        {
            var first = sized.Alloc(ref sizedCache, size);
            var second = unsized.Alloc(ref unsizedCache, size);
            sized.Free(ref sizedCache, first, size);
            unsized.Free(ref unsizedCache, second);
            if (size % 512 == 0)
                Same(sized.GetStatistics(), unsized.GetStatistics(), size);
        }

        sizedCache.Dispose();
        unsizedCache.Dispose();
    }

    [Fact]
    public void Bursts_of_every_class_leave_the_same_figures()
    {
        using var sized = new BitTreeAllocator();
        using var unsized = new BitTreeAllocator();
        var sizedCache = sized.CreateCache();
        var unsizedCache = unsized.CreateCache();
        foreach (var size in Sizes.Classes.Select(size => (nuint)size))
        {
            var count = Math.Max(3, Math.Min(600, 400_000 / (int)size));
            var ones = new nuint[count];
            var others = new nuint[count];
            for (var i = 0; i < count; i++)
                (ones[i], others[i]) = ((nuint)sized.Alloc(ref sizedCache, size), (nuint)unsized.Alloc(ref unsizedCache, size));
            for (var i = 0; i < count; i++)
            {
                sized.Free(ref sizedCache, (void*)ones[i], size);
                unsized.Free(ref unsizedCache, (void*)others[i]);
            }

            Same(sized.GetStatistics(), unsized.GetStatistics(), size);
        }

        sizedCache.Dispose();
        unsizedCache.Dispose();
    }

    private static void Same(AllocatorStatistics sized, AllocatorStatistics unsized, nuint size)
    {
        Assert.Equal((nuint)0, sized.LiveBytes);
        Assert.Equal((nuint)0, unsized.LiveBytes);
        Assert.True(sized.CachedBytes == unsized.CachedBytes, $"size {size}: {sized.CachedBytes} bytes cached after sized frees, {unsized.CachedBytes} after unsized ones");
        Assert.Equal(sized.Classes, unsized.Classes);
    }
}
