using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// The layout of a magazine: link (in a recycler; in a cache the slots it may hold, for which its cache has a grant), depth, a zero sentinel, then slots. Aligned to its size, so the loaded magazine is found from its top by a mask, and a top that points at the
/// sentinel means "empty" without a counter.
/// </summary>
internal static unsafe class Magazine
{
    /// <summary>Index of the sentinel.</summary>
    public const int SentinelIndex = 2;

    /// <summary>Header words.</summary>
    public const int HeaderWords = 3;

    /// <summary>First word of the magazine that <paramref name="top"/> points into.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Of<TGeometry>(ulong* top)
        where TGeometry : struct, IGeometry => (ulong*)((ulong)top & ~((ulong)(TGeometry.MagazineWords * sizeof(ulong)) - 1));

    /// <summary>The top of an empty magazine.</summary>
    public static ulong* EmptyTop(ulong* magazine) => magazine + SentinelIndex;

    /// <summary>Slots up to and including <paramref name="top"/>.</summary>
    public static int CountTo<TGeometry>(ulong* top)
        where TGeometry : struct, IGeometry => (int)(top - EmptyTop(Of<TGeometry>(top)));
}
