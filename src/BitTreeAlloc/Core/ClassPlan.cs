using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>The shape of each class of a heap: block kind, slots per block, slots per magazine. All numbers that a sweep decides stand here.</summary>
internal static unsafe class ClassPlan
{
    /// <summary>Classes to 32 B live in 16 KiB blocks: a refill from a sparse block scans 256 B of bitmap, not 1 KiB.</summary>
    public const int LastSmallBlockClass = 4;

    /// <summary>Words of a block's bitmap: 2 048 slots of 8 B in 16 KiB; 1 638 of 40 B in 64 KiB.</summary>
    public const int BitmapWords = 32;

    /// <summary>Bytes of slots in one magazine, beyond the smallest number of slots.</summary>
    public const int MagazineBytes = 16 << 10;

    /// <summary>Slots in a magazine of the largest classes: below four, every other call would take the slow path.</summary>
    public const int MinMagazineSlots = 4;

    /// <summary>Fills the table of a heap.</summary>
    public static void Fill(ClassInfo* classes, int minimumAlignment, int magazineWords, ulong recyclerBytes)
    {
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var size = SizeClasses.SlotSize(sizeClass, minimumAlignment);
            var kind = sizeClass <= LastSmallBlockClass ? 0 : 1;
            var slots = Math.Clamp(MagazineBytes / size, MinMagazineSlots, magazineWords - Magazine.HeaderWords);
            classes[sizeClass] = new ClassInfo
            {
                SlotSize = size,
                Capacity = (kind == 0 ? 1 << 14 : 1 << 16) / size,
                MagazineSlots = slots,
                Kind = kind,
                Column = kind == 0 ? sizeClass - 1 : sizeClass - LastSmallBlockClass - 1,
                Reciprocal = (uint)(((1ul << 32) + (ulong)size - 1) / (ulong)size),
                RecyclerDepth = (uint)Math.Max(1, recyclerBytes / (ulong)(slots * size)),
            };
        }
    }
}
