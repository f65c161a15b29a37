using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the shape of each class of a heap: block kind, slots per block, slots per magazine. All numbers that a sweep decides stand here.
/// Callers: HeapSetup, Stretches; anybody for the constants. Checked by: ClassPlanTests, exhaustively.
/// </summary>
internal static unsafe class ClassPlan
{
    /// <summary>Classes to 32 B live in 16 KiB blocks: a refill from a sparse block scans 256 B of bitmap, not 1 KiB.</summary>
    public const int LastSmallBlockClass = 4;

    /// <summary>Classes of 80 to 256 KiB live in blocks of 1 MiB, those above in blocks of 4 MiB: at least two slots in each, and a block that is charged whole is no more than 13 times its first slot.</summary>
    public const int LastMediumBlockClass = 84;

    /// <summary>Kinds of blocks: 16 KiB and 64 KiB in the stretches of small classes, 1 MiB and 4 MiB in those of medium ones.</summary>
    public const int Kinds = 4;

    /// <summary>Most words of a block's bitmap: 2 048 slots of 8 B in 16 KiB; 1 638 of 40 B in 64 KiB.</summary>
    public const int BitmapWords = 32;

    /// <summary>log2 of what all slot sizes of medium classes are multiples of.</summary>
    public const int MediumUnitShift = 14;

    /// <summary>Bytes of slots in one magazine, beyond the smallest number of slots, where the policy says nothing else (docs/adr/0013).</summary>
    public const int MagazineBytes = 64 << 10;

    /// <summary>The least that a policy may say, and the most.</summary>
    public const int LeastMagazineBytes = 1 << 10;

    /// <inheritdoc cref="LeastMagazineBytes"/>
    public const int MostMagazineBytes = 1 << 20;

    /// <summary>Slots in a magazine of the largest classes: below four, every other call would take the slow path.</summary>
    public const int MinMagazineSlots = 4;

    /// <summary>Bytes of slots that a cache takes at once when a class is new to it: threads that come and go take and give back no more.</summary>
    public const int FirstFillBytes = 16 << 10;

    /// <summary>Full magazines in the recycler of a class at most: each is 1 KiB of metadata, which for the smallest slots is as much as they are.</summary>
    public const int MaxRecyclerDepth = 40;

    /// <summary>Bytes of slots in one magazine of a medium class: 3 slots of 80 KiB, 1 from 160 KiB on.</summary>
    public const int MediumMagazineBytes = 256 << 10;

    /// <summary>A request for a medium size gets a slot of a class so many steps larger at most, less than twice as long: see <see cref="MediumSlots{TAtomics, TGeometry}"/>.</summary>
    public const int MediumStepsUp = 4;

    /// <summary>The kind of block that a class lives in.</summary>
    public static int KindOf(int sizeClass) => sizeClass <= LastSmallBlockClass ? 0 : sizeClass <= SizeClasses.LastSmall ? 1 : sizeClass <= LastMediumBlockClass ? 2 : 3;

    /// <summary>The first class of a kind; of the number of kinds: one behind the last class.</summary>
    public static int FirstClass(int kind) => kind switch { 0 => 1, 1 => LastSmallBlockClass + 1, 2 => SizeClasses.LastSmall + 1, 3 => LastMediumBlockClass + 1, _ => SizeClasses.Count };

    /// <summary>log2 of the bytes of a block of a kind.</summary>
    public static int BlockShift(int kind) => kind switch { 0 => 14, 1 => 16, 2 => 20, _ => 22 };

    /// <summary>Columns of the trees of a kind: one per class, one of empty blocks, one of clean ones.</summary>
    public static int Columns(int kind) => FirstClass(kind + 1) - FirstClass(kind) + 2;

    /// <summary>Fills the table of a heap.</summary>
    public static void Fill(ClassInfo* classes, int minimumAlignment, int magazineWords, ulong recyclerBytes, int magazineBytes = MagazineBytes)
    {
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var size = SizeClasses.SlotSize(sizeClass, minimumAlignment);
            var kind = KindOf(sizeClass);
            var isMedium = sizeClass > SizeClasses.LastSmall;
            var slots = isMedium ? Math.Clamp(MediumMagazineBytes / size, 1, MinMagazineSlots) : Math.Clamp(magazineBytes / size, MinMagazineSlots, magazineWords - Magazine.HeaderWords);
            var unitShift = isMedium ? MediumUnitShift : 0;
            classes[sizeClass] = new ClassInfo
            {
                SlotSize = size,
                Capacity = (1 << BlockShift(kind)) / size,
                MagazineSlots = slots,
                Kind = kind,
                BlockShift = BlockShift(kind),
                Column = sizeClass - FirstClass(kind),
                UnitShift = unitShift,
                Reciprocal = (uint)(((1ul << 32) + (ulong)(size >> unitShift) - 1) / (ulong)(size >> unitShift)),
                RecyclerDepth = (uint)Math.Clamp(recyclerBytes / (ulong)(slots * size), 1, MaxRecyclerDepth),
            };
        }
    }
}
