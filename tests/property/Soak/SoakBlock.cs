using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>
/// A live allocation and the key of its pattern. The key is made of the run's seed, the address, the size and a number of its own: two owners of one slot write different bytes.
/// </summary>
internal sealed class SoakBlock(SoakStage stage, nuint address, nuint size, nuint alignment, ulong key)
{
    public SoakStage Stage { get; } = stage;

    public nuint Address { get; } = address;

    public nuint Size { get; } = size;

    /// <summary>1 where none was asked for.</summary>
    public nuint Alignment { get; } = alignment;

    public ulong Key { get; } = key;

    public static ulong KeyOf(int seed, nuint address, nuint size, long number)
    {
        var key = ((ulong)seed * 0x9E3779B97F4A7C15) ^ (address * 0xD6E8FEB86659FD93) ^ (size << 17) ^ ((ulong)number * 0xA0761D6478BD642F);
        return key ^ (key >> 31);
    }

    public void Fill() => Content.Fill(Address, Size, Key);

    /// <summary>The first <paramref name="limit"/> bytes, which may lie elsewhere by now, against the pattern.</summary>
    public void Check(nuint where, nuint limit, string when)
    {
        var at = Content.FirstDifference(where, Size, Key, limit);
        if (at >= 0)
            throw new SoakFailure($"{Stage.Name}: {Size} bytes at {where:x}: wrong byte at offset {at} {when}");
    }
}

/// <summary>What a soak looks for.</summary>
internal sealed class SoakFailure(string message) : Exception(message);
