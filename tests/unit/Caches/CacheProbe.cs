using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>What the caches of an allocator hold, as its documentation counts it, and the words behind it.</summary>
internal static unsafe class CacheProbe
{
    /// <summary>
    /// A policy of magazines of 16 KiB: two of them fit a block, so a refill is never cut short at the end of one and what is cached can be told to the slot. With 64 KiB a refill of slots of 384 bytes
    /// gets 125 of a fresh block, the next one the 45 that are left.
    /// </summary>
    public static MemoryPolicy SixteenKiB => MemoryPolicy.Of(Profile.Balanced) with { MagazineBytes = 16 << 10 };

    /// <summary>Slots of a magazine of slots of that many bytes, as <see cref="MemoryPolicy.MagazineBytes"/> states it for <see cref="SixteenKiB"/>: 16 KiB, at most 125, at least 4.</summary>
    public static int MagazineSlots(int slotSize) => Math.Clamp((16 << 10) / slotSize, 4, 125);

    /// <summary>The figures of the class that serves a size.</summary>
    public static ClassStatistics Class(BitTreeAllocator allocator, int size) => allocator.GetStatistics().Classes[SizeClasses.ClassOf((nuint)size) - 1];

    /// <summary>Fills the calling thread's ambient cache with two magazines of a class, where they are <see cref="SixteenKiB"/>; false where it came out otherwise.</summary>
    public static bool FillTwo(BitTreeAllocator allocator, int size)
    {
        var count = 2 * MagazineSlots((int)BitTreeAllocator.GoodSize((nuint)size));
        var slots = stackalloc nint[count];
        for (var i = 0; i < count; i++)
            slots[i] = (nint)allocator.Alloc((nuint)size);
        for (var i = 0; i < count; i++)
            allocator.Free((void*)slots[i], (nuint)size);
        return Class(allocator, size).CachedSlots == count;
    }

    /// <summary>Allocates, stamps, checks and frees that many slots through the ambient cache.</summary>
    public static void Use(BitTreeAllocator allocator, int size, int count)
    {
        var slots = new nint[count];
        for (var i = 0; i < count; i++)
        {
            slots[i] = (nint)allocator.Alloc((nuint)size);
            new Span<byte>((void*)slots[i], size).Fill((byte)(slots[i] >> 4));
        }

        foreach (var slot in slots)
        {
            if (new Span<byte>((void*)slot, size).ContainsAnyExcept((byte)(slot >> 4)))
                throw new InvalidOperationException($"the {size} bytes at 0x{slot:x} do not read as they were written");
            allocator.Free((void*)slot, (nuint)size);
        }
    }

    /// <summary>Records in the heap's list, owned or waiting for the next owner.</summary>
    public static int Records(Heap* heap)
    {
        var count = 0;
        for (var record = First(heap); record != null; record = Next(record))
            count++;
        return count;
    }

    /// <summary>Bytes of slots of a class in one cache: its loaded and its spare magazine.</summary>
    public static long Held(CacheRecord* record, int sizeClass) =>
        (Count(record, *CacheRecord.Top(record, sizeClass)) + Count(record, (ulong*)*CacheRecord.Spare(record, sizeClass))) * record->Heap->Classes[sizeClass].SlotSize;

    /// <summary>What has a grant of the cache budget: at hand, in magazines of caches, in recyclers. At rest it is all that was granted.</summary>
    public static ulong Accounted(Heap* heap)
    {
        var sum = 0ul;
        for (var record = First(heap); record != null; record = Next(record))
        {
            if (!CacheRegistry<HardwareAtomics, ShippedGeometry>.IsOwnedBy(record, heap))
                continue;
            sum += record->Grant;
            for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
            {
                var slotSize = (ulong)heap->Classes[sizeClass].SlotSize;
                sum += (Granted(record, *CacheRecord.Top(record, sizeClass)) + Granted(record, (ulong*)*CacheRecord.Spare(record, sizeClass))) * slotSize;
            }
        }

        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
            sum += (ulong)Magazines<HardwareAtomics, ShippedGeometry>.RecyclerDepth(heap, sizeClass) * (ulong)(heap->Classes[sizeClass].MagazineSlots * heap->Classes[sizeClass].SlotSize);
        return sum;
    }

    private static CacheRecord* First(Heap* heap) => CacheRegistry<HardwareAtomics, ShippedGeometry>.First(heap);

    private static CacheRecord* Next(CacheRecord* record) => CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record);

    private static bool IsMagazine(CacheRecord* record, ulong* top) => top != null && top != CacheRecord.EmptyTop(record);

    private static int Count(CacheRecord* record, ulong* top) => IsMagazine(record, top) ? Magazine.CountTo<ShippedGeometry>(top) : 0;

    private static ulong Granted(CacheRecord* record, ulong* top) => IsMagazine(record, top) ? *Magazine.Of<ShippedGeometry>(top) : 0;
}
