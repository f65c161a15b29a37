using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: at the checked level, one byte per place where a slot may start: <see cref="Of"/> its address while the slot is in a user's hands, 0 otherwise.
/// Places are 8 bytes apart in small blocks, 32 bytes in the rest, whose smallest slots are 40 bytes, and 16 KiB in blocks of medium classes; so no two slots share a byte, and the map
/// is 1/32 of the data (1/8 in small blocks).
/// Invariants: I-K1 a mark is written by whoever owns the slot at that moment: set after it left its magazine, cleared before it enters one. So plain bytes are enough: the hand-over
/// of the slot orders the writes. I-K2 the marks of a block below the frontier are committed; the class map tells before a mark is read.
/// Callers: the Api's checked calls. Checked by: misuse tests, property tests at the checked level, tests with a failure at the k-th call.
/// </summary>
internal static unsafe class LiveMarks
{
    private const int SmallShift = 3;
    private const int LargeShift = 5;

    /// <summary>log2 of the bytes between two places of a small class's blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Shift(int sizeClass) => LargeShift + ((sizeClass - ClassPlan.LastSmallBlockClass - 1 >> 31) * (LargeShift - SmallShift));

    /// <summary>As <see cref="Shift"/>, of any class.</summary>
    public static int ShiftOf(int sizeClass) => sizeClass > SizeClasses.LastSmall ? ClassPlan.MediumUnitShift : Shift(sizeClass);

    /// <summary>The mark of a live slot: not 0, and another one for every other address that shares the byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Of(ulong address) => (byte)(address | 0xE0);

    /// <summary>Bytes for a stretch of that many bytes of large blocks, which a quarter as many of small ones follow: places of both kinds count from the stretch's start, with a gap between.</summary>
    public static ulong Bytes(ulong largeBytes, int family) => (largeBytes + (largeBytes / 4)) >> (family == 0 ? SmallShift : ClassPlan.MediumUnitShift);

    /// <summary>The mark of an address in a block that was born.</summary>
    public static byte* At(BlockRef block, ulong address) =>
        block.Space->Owner->Marks + ((address - (ulong)block.Space->Owner->Base) >> ShiftOf(block.Space->FirstClass));

    /// <summary>Whether a live slot starts at that address of a block that was born.</summary>
    public static bool IsLive(BlockRef block, ulong address) => *At(block, address) == Of(address);
}
