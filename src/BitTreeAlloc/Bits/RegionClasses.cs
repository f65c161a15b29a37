using System.Numerics;
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Bits;

/// <summary>The rule that turns a size above <see cref="SizeClasses.MaxSize"/> into a region class: powers of two from 2 MiB to 64 GiB. Addresses are what a power of two costs; memory is committed as asked for.</summary>
public static class RegionClasses
{
    /// <summary>Region classes: 2 MiB … 64 GiB.</summary>
    public const int Count = 16;

    /// <summary>Largest size in bytes that a region serves.</summary>
    public const ulong MaxSize = 1ul << (RegionWord.UnitShift + Count - 1);

    /// <summary>The class of the smallest region that holds <paramref name="size"/> bytes (1 … <see cref="MaxSize"/>).</summary>
    public static int ClassOf(ulong size) => Math.Max(0, 64 - BitOperations.LeadingZeroCount(size - 1) - RegionWord.UnitShift);

    /// <summary>log2 of the bytes of a region of the class.</summary>
    public static int ShiftOf(int regionClass) => RegionWord.UnitShift + regionClass;

    /// <summary>Units of 2 MiB that hold <paramref name="size"/> bytes; at least one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // the short way of regions makes no call (docs/adr/0011)
    public static ulong UnitsOf(ulong size) => (Math.Max(size, 1) + (1ul << RegionWord.UnitShift) - 1) >> RegionWord.UnitShift;
}
