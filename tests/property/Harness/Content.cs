using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The seeded pattern over the requested bytes of a block. Above 64 KiB only the first bytes of each page and the block's end, so that a huge block stays cheap.</summary>
internal static unsafe class Content
{
    private const nuint Dense = 65536;
    private const nuint Page = 4096;
    private const nuint Sample = 64;

    public static void Fill(nuint address, nuint size, ulong seed)
    {
        foreach (var (start, length) in Pieces(size))
        {
            var bytes = new Span<byte>((byte*)address + start, (int)length);
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            for (var i = 0; i < words.Length; i++)
                words[i] = Word(seed, start + ((nuint)i * 8));
            for (var i = words.Length * 8; i < bytes.Length; i++)
                bytes[i] = Byte(seed, start + (nuint)i);
        }
    }

    /// <summary>The offset of the first byte below <paramref name="limit"/> that differs from what <see cref="Fill"/> wrote for this size, or -1.</summary>
    public static long FirstDifference(nuint address, nuint size, ulong seed, nuint limit)
    {
        foreach (var (start, length) in Pieces(size))
        {
            if (start >= limit)
                break;
            var kept = Math.Min(length, limit - start);
            var bytes = new ReadOnlySpan<byte>((byte*)address + start, (int)kept);
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            for (var i = 0; i < words.Length; i++)
                if (words[i] != Word(seed, start + ((nuint)i * 8)))
                    return FirstWrongByte(bytes, seed, start, i * 8);
            for (var i = words.Length * 8; i < bytes.Length; i++)
                if (bytes[i] != Byte(seed, start + (nuint)i))
                    return (long)start + i;
        }

        return -1;
    }

    /// <summary>The offset of the first byte that is not zero, or -1.</summary>
    public static long FirstNonZero(nuint address, nuint size)
    {
        for (nuint done = 0; done < size;)
        {
            var length = Math.Min(size - done, 1 << 20);
            var at = new ReadOnlySpan<byte>((byte*)address + done, (int)length).IndexOfAnyExcept((byte)0);
            if (at >= 0)
                return (long)done + at;
            done += length;
        }

        return -1;
    }

    private static long FirstWrongByte(ReadOnlySpan<byte> bytes, ulong seed, nuint start, int from)
    {
        var i = from;
        while (bytes[i] == Byte(seed, start + (nuint)i))
            i++;
        return (long)start + i;
    }

    // Pieces start at multiples of 8, except the last, which the dense part of small blocks never reaches.
    private static IEnumerable<(nuint Start, nuint Length)> Pieces(nuint size)
    {
        yield return (0, Math.Min(size, Dense));
        if (size <= Dense)
            yield break;
        for (var start = Dense; start < size; start += Page)
            yield return (start, Math.Min(Sample, size - start));
        var tail = (size - Sample) / 8 * 8;
        yield return (tail, size - tail);
    }

    private static ulong Word(ulong seed, nuint offset)
    {
        var word = (seed + offset + 1) * 0x9E3779B97F4A7C15;
        word = (word ^ (word >> 32)) * 0xD6E8FEB86659FD93;
        return word ^ (word >> 29);
    }

    private static byte Byte(ulong seed, nuint offset) => (byte)(Word(seed, offset & ~(nuint)7) >> (int)(8 * (offset & 7)));
}
