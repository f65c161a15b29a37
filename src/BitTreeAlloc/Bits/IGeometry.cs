namespace BitTreeAlloc.Bits;

/// <summary>
/// The shape of trees and magazines as constants of a type, so that the JIT folds them in the shipped instance and a checker runs the same code on a shape small enough to exhaust.
/// </summary>
public interface IGeometry
{
    /// <summary>log2 of the bits used of one tree word (6 as shipped).</summary>
    static abstract int WordShift { get; }

    /// <summary>log2 of the blocks of one tree (14 as shipped); between two and three word shifts.</summary>
    static abstract int TreeShift { get; }

    /// <summary>Words of one magazine, header included; a power of two (128 as shipped).</summary>
    static abstract int MagazineWords { get; }
}

/// <summary>The shape that ships: 16 384 blocks under 256 leaf words (2 KB), 4 middle words and 1 top word; magazines of 1 KiB with up to 125 slots.</summary>
public readonly struct ShippedGeometry : IGeometry
{
    /// <inheritdoc/>
    public static int WordShift => 6;

    /// <inheritdoc/>
    public static int TreeShift => 14;

    /// <inheritdoc/>
    public static int MagazineWords => 128;
}
