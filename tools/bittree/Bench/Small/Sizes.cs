using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>Where a loop takes its sizes from, as a type parameter.</summary>
internal interface ISizes
{
    /// <summary>Sizes drawn before the clock runs; <see cref="SizeTable.Length"/> of them.</summary>
    static abstract uint[] Draw(int seed);

    /// <summary>The size of the object with that number.</summary>
    static abstract nuint At(ref uint table, long number);
}

/// <summary>64 bytes, known to the compiler, as the size of a struct is.</summary>
internal readonly struct Constant64 : ISizes
{
    /// <inheritdoc/>
    public static uint[] Draw(int seed) => new uint[1];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint At(ref uint table, long number) => 64;
}

/// <summary>16 to 1024 bytes, each as likely as the others.</summary>
internal readonly struct Mixed : ISizes
{
    /// <inheritdoc/>
    public static uint[] Draw(int seed) => SizeTable.Uniform(16, 1024, seed);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint At(ref uint table, long number) => SizeTable.At(ref table, number);
}

/// <summary>What programs ask for: see <see cref="SizeTable.Programs"/>.</summary>
internal readonly struct AsPrograms : ISizes
{
    /// <inheritdoc/>
    public static uint[] Draw(int seed) => SizeTable.Programs(seed);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint At(ref uint table, long number) => SizeTable.At(ref table, number);
}

/// <summary>Tables of sizes, the same in every process for the same seed.</summary>
internal static class SizeTable
{
    /// <summary>Sizes of a table, a power of two; after the last comes the first. 8 KiB: it stays in the first cache, and leaves room there.</summary>
    public const int Length = 2048;

    // Of a thousand requests, so many have up to so many bytes and more than the line before. The mean of four recorded programs (a compiler, an interpreter, a data base, a key-value server),
    // of which the requests above 4 KiB, 1.3 % of all, are left out.
    private static readonly (int UpTo, int PerMille)[] s_programs =
    [
        (8, 30), (16, 98), (24, 182), (32, 99), (40, 66), (48, 68), (64, 107), (80, 37), (96, 42), (112, 38), (128, 19),
        (192, 44), (256, 53), (384, 26), (512, 19), (768, 11), (1024, 13), (2048, 31), (4096, 17),
    ];

    /// <summary>The size with that number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint At(ref uint table, long number) => Unsafe.Add(ref table, (nint)(number & (Length - 1)));

    /// <summary>Sizes from <paramref name="least"/> to <paramref name="most"/>, one from each of <see cref="Length"/> equal parts of the range, in random order: the mix is the same for each seed.</summary>
    public static uint[] Uniform(uint least, uint most, int seed)
    {
        var random = new Random(seed);
        var sizes = new uint[Length];
        for (var i = 0; i < Length; i++)
            sizes[i] = least + (uint)((i + random.NextDouble()) / Length * (most - least + 1));
        random.Shuffle(sizes);
        return sizes;
    }

    /// <summary>Sizes in the shares that programs ask for: 79 % up to 128 bytes, 5 % above 1 KiB, none above 4 KiB.</summary>
    public static uint[] Programs(int seed)
    {
        var random = new Random(seed);
        var sizes = new uint[Length];
        for (var i = 0; i < Length; i++)
        {
            var place = (i + random.NextDouble()) * 1000 / Length;
            var (line, least) = (0, 1);
            for (; place >= s_programs[line].PerMille && line + 1 < s_programs.Length; line++)
            {
                place -= s_programs[line].PerMille;
                least = s_programs[line].UpTo + 1;
            }

            sizes[i] = (uint)random.Next(least, s_programs[line].UpTo + 1);
        }

        random.Shuffle(sizes);
        return sizes;
    }
}
