using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Bits;

/// <summary>
/// The rule that turns a size into a class and a class into a slot size. Steps of 8 bytes to 64, eight classes per doubling to 8 KiB, four per doubling to 2 MiB.
/// </summary>
/// <remarks>
/// <para>A slot of class c lies at a multiple of its size from the block's start, so its alignment is the lowest set bit of the size: a request that is a multiple of 16 gets
/// a multiple of 16, one that is a multiple of 64 a multiple of 64 (every multiple of 64 up to 1 KiB is a class of its own, and above that every step is a multiple of 64).</para>
/// <para>Waste, (slot − request) / slot: at most 1/9 from 128 B to 8 KiB, below 1/5 above.</para>
/// </remarks>
public static class SizeClasses
{
    /// <summary>Classes are numbered from 1; class 0 means "no class" and always takes the slow path.</summary>
    public const int None = 0;

    /// <summary>The last class (2 MiB).</summary>
    public const int Last = 96;

    /// <summary>The last class of small sizes (64 KiB); those behind it are medium.</summary>
    public const int LastSmall = 76;

    /// <summary>Entries of a table indexed by class.</summary>
    public const int Count = Last + 1;

    /// <summary>Largest size in bytes that <see cref="SizeClassTable"/> covers.</summary>
    public const int TableLimit = 8192;

    /// <summary>Largest size in bytes that is served from blocks.</summary>
    public const int MaxSize = 2 << 20;

    /// <summary>Largest small size in bytes.</summary>
    public const int MaxSmallSize = 64 << 10;

    private const int FineLast = 64;

    /// <summary>The smallest class whose slot holds <paramref name="size"/> bytes; <see cref="None"/> above <see cref="MaxSize"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ClassOf(nuint size)
    {
        if (size <= TableLimit)
            return Unsafe.Add(ref MemoryMarshal.GetReference(SizeClassTable.ClassByWords), (nint)((size + 7) >> 3));
        return CoarseClassOf(size);
    }

    /// <summary>The class of a size above <see cref="TableLimit"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int CoarseClassOf(nuint size)
    {
        if (size > MaxSize)
            return None;
        var last = (uint)size - 1;
        var doubling = BitOperations.Log2(last);
        return FineLast + ((doubling - 13) * 4) + (int)(last >> (doubling - 2)) - 4 + 1;
    }

    /// <summary>Bytes of a slot of class <paramref name="sizeClass"/> (1 … <see cref="Last"/>) at a minimum alignment of 8 or 16 bytes.</summary>
    public static int SlotSize(int sizeClass, int minimumAlignment)
    {
        var size = NaturalSlotSize(sizeClass);
        return (size + minimumAlignment - 1) & -minimumAlignment;
    }

    private static int NaturalSlotSize(int sizeClass)
    {
        if (sizeClass <= 8)
            return sizeClass * 8;
        if (sizeClass <= FineLast)
        {
            var fine = sizeClass - 9;
            return (9 + (fine & 7)) << (3 + (fine >> 3));
        }

        var coarse = sizeClass - FineLast - 1;
        return (5 + (coarse & 3)) << (11 + (coarse >> 2));
    }
}
