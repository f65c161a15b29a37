using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: where a slot of a medium class comes from when its own magazines are empty: touched memory before fresh one, of its class or one a little larger. A medium slot is worth hundreds of small ones,
/// and sizes spread over twenty classes: without this, free slots of the other classes make up most of what is touched (docs/adr/0012).
/// Invariants: I-U3 a slot of a larger class goes straight to its user, and home by its own class: a free of a medium size looks its class up. Callers: CacheSlowPath, inside the record's busy word.
/// Checked by: footprint of random medium sizes; property tests.
/// </summary>
internal static unsafe class MediumSlots<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A touched free slot of the class or a little above, or 0. Slots of a class lie at multiples of their length: of the classes above, those that keep to <paramref name="alignment"/>.</summary>
    public static ulong TryTake(Heap* heap, CacheRecord* record, int sizeClass, ulong alignment)
    {
        var last = Math.Min(sizeClass + ClassPlan.MediumStepsUp, SizeClasses.Last);
        for (var at = sizeClass; at <= last; at++)
        {
            var slot = IsAligned(heap, at, alignment) ? TakeCached(heap, record, at) : 0;
            if (slot != 0)
                return slot;
        }

        for (var at = sizeClass; at <= last; at++)
        {
            var slot = IsAligned(heap, at, alignment) ? TakeTouched(heap, record, at) : 0;
            if (slot != 0)
                return slot;
        }

        return 0;
    }

    private static bool IsAligned(Heap* heap, int sizeClass, ulong alignment) => ((ulong)heap->Classes[sizeClass].SlotSize & (alignment - 1)) == 0;

    /// <summary>Out of the cache's own magazines.</summary>
    private static ulong TakeCached(Heap* heap, CacheRecord* record, int sizeClass)
    {
        var top = CacheTops<TAtomics, TGeometry>.Load(record, sizeClass);
        var slot = TAtomics.ReadPlain(top, Site.MagazineRead);
        if (slot != 0)
        {
            CacheTops<TAtomics, TGeometry>.Store(record, sizeClass, top - 1);
            return slot;
        }

        if (!CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out var spare))
            return 0;
        var loaded = CacheTops<TAtomics, TGeometry>.MagazineOf(record, top);
        if (loaded != null)
            Magazines<TAtomics, TGeometry>.GiveEmpty(heap, record, sizeClass, loaded);
        CacheTops<TAtomics, TGeometry>.Arm(record, sizeClass, spare - 1);
        return TAtomics.ReadPlain(spare, Site.MagazineRead);
    }

    /// <summary>Out of the lowest block of the class that has a free slot, if one of those may have its pages.</summary>
    private static ulong TakeTouched(Heap* heap, CacheRecord* record, int sizeClass)
    {
        var info = heap->Classes + sizeClass;
        if (!Supply<TAtomics, TGeometry>.TryHoldFromTree(heap, sizeClass, out var block, out var held))
            return 0;
        var slot = held.Free > 0 ? Choose(block, *info, held.Cursor) : 0;
        Blocks<TAtomics, TGeometry>.Release(block.Space, block.Index, *info, slot != 0 ? 1 : 0, 0);
        if (slot == 0)
            return 0;
        record->PendingInUse += info->SlotSize;
        record->SharedOperations += 3;
        return slot;
    }

    /// <summary>The lowest free slot all of whose pages are noted as touched; its bit is taken. Held.</summary>
    private static ulong Choose(BlockRef block, in ClassInfo info, int cursor)
    {
        var bitmap = block.Space->Bitmaps + (block.Index * (ulong)block.Space->BitmapWords);
        var resident = TAtomics.ReadPlain(block.Space->Resident + block.Index, Site.ResidentRead);
        var free = TAtomics.LoadAcquire(bitmap, Site.BitmapLoad) & ((1ul << cursor) - 1); // order: acquire; only we clear, so what is seen set stays set [B2]
        for (; free != 0; free &= free - 1)
        {
            var offset = (ulong)BitOperations.TrailingZeroCount(free) * (ulong)info.SlotSize;
            var pages = Supply<TAtomics, TGeometry>.Range(offset, (ulong)info.SlotSize, block.Space->ResidentShift);
            if ((resident & pages) != pages)
                continue;

            // order: acquire: the giver's last writes to the slot happen before the new owner's first [B2]
            TAtomics.FetchAndAcqRel(bitmap, ~(free & (0 - free)), Site.BitmapTake);
            return Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index) + offset;
        }

        return 0;
    }
}
