using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Verify;

/// <summary>The pattern that marks an allocation: 64-bit words that differ by object and by position, so that a shifted copy shows too.</summary>
internal static unsafe class PatternFill
{
    private const ulong PositionStep = 0x9E37_79B9_7F4A_7C15;

    /// <summary>The seed of the object that slot <paramref name="id"/> holds since event <paramref name="birth"/>.</summary>
    public static ulong Seed(uint id, int birth)
    {
        var x = ((ulong)id << 32 | (uint)birth) + PositionStep;
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }

    /// <summary>Writes the pattern to bytes <paramref name="from"/> … <paramref name="to"/> − 1.</summary>
    public static void Write(byte* start, nuint from, nuint to, ulong seed)
    {
        from &= ~(nuint)7;
        var word = seed + (from / 8 * PositionStep);
        for (; from + 8 <= to; from += 8, word += PositionStep)
            Unsafe.WriteUnaligned(start + from, word);
        for (; from < to; from++, word >>= 8)
            start[from] = (byte)word;
    }

    /// <summary>The first of <paramref name="size"/> bytes that is not the pattern's, or <paramref name="size"/>.</summary>
    public static nuint FirstDifference(byte* start, nuint size, ulong seed)
    {
        nuint at = 0;
        var word = seed;
        for (; at + 8 <= size; at += 8, word += PositionStep)
        {
            if (Unsafe.ReadUnaligned<ulong>(start + at) != word)
                break;
        }

        for (; at < size; at++, word >>= 8)
        {
            if (start[at] != (byte)word)
                return at;
        }

        return size;
    }

    /// <summary>The first of <paramref name="size"/> bytes that is not zero, or <paramref name="size"/>.</summary>
    public static nuint FirstNonZero(byte* start, nuint size)
    {
        nuint at = 0;
        while (at < size)
        {
            var length = (int)Math.Min(size - at, 1 << 30);
            var found = new ReadOnlySpan<byte>(start + at, length).IndexOfAnyExcept((byte)0);
            if (found >= 0)
                return at + (nuint)found;
            at += (nuint)length;
        }

        return size;
    }
}
