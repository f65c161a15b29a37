using FsCheck;
using FsCheck.Fluent;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Sizes and alignments where allocators break: around every class, page, 64 KiB and 2 MiB; zero; and what must be refused.</summary>
internal static class Sizes
{
    /// <summary>The class sizes that the design states: steps of 8 to 64 bytes, 8 per doubling to 8 KiB, 4 above, to 2 MiB. Only a distribution; what holds is asked of GoodSize.</summary>
    public static readonly int[] Classes = StatedClasses();

    public static readonly Gen<nuint> Valid = Gen.Frequency(
        (30, AroundClasses([.. Classes.Where(size => size <= BitTreeAllocator.MaxSmallSize)])),
        (10, AroundClasses([.. Classes.Where(size => size <= 512)])),
        (10, Range(0, 256)),
        (2, AroundClasses([.. Classes.Where(size => size > BitTreeAllocator.MaxSmallSize)])),
        (4, Range(0, 65536)),
        (3, Around([4096, 8192, 12288, 16384, 32768])),
        (4, Around([65536, 81920, 131072, 196608, 262144, 327680])),
        (1, Around([1 << 20, 2 << 20, 3 << 20, 4 << 20])),
        (2, Gen.Constant((nuint)0)));

    public static readonly Gen<nuint> Refused = Gen.Elements(
        BitTreeAllocator.MaxSize + 1, BitTreeAllocator.MaxSize + 65536, nuint.MaxValue / 2, nuint.MaxValue - 65536, nuint.MaxValue - 15, nuint.MaxValue);

    public static readonly Gen<nuint> Alignments = Gen.Frequency(
        (12, Gen.Choose(0, 16).Select(power => (nuint)1 << power)),
        (1, Gen.Choose(17, 23).Select(power => (nuint)1 << power)));

    public static readonly Gen<nuint> RefusedAlignments = Gen.Elements<nuint>(0, 3, 24, 4095, (nuint.MaxValue >> 1) + 1, nuint.MaxValue);

    /// <summary>The alignment that a request of a size gets without asking.</summary>
    public static nuint NaturalAlignment(nuint size, int minimum)
    {
        nuint natural = size == 0 ? 8u : size % 64 == 0 ? 64u : size % 16 == 0 ? 16u : 8u;
        return Math.Max(natural, (nuint)minimum);
    }

    private static int[] StatedClasses()
    {
        var classes = new List<int>();
        for (var size = 8; size <= 64; size += 8)
            classes.Add(size);
        for (var doubling = 64; doubling < BitTreeAllocator.MaxMediumSize; doubling *= 2)
        {
            var step = doubling < 8192 ? doubling / 8 : doubling / 4;
            for (var size = doubling + step; size <= 2 * doubling; size += step)
                classes.Add(size);
        }

        return [.. classes];
    }

    private static Gen<nuint> Range(int low, int high) => Gen.Choose(low, high).Select(size => (nuint)size);

    private static Gen<nuint> AroundClasses(int[] sizes) => Around(sizes);

    private static Gen<nuint> Around(int[] sizes) =>
        Gen.Elements(sizes).SelectMany(_ => Gen.Choose(-1, 1), (size, offset) => (nuint)(size + offset));
}
