using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the way of slots from a magazine back to their blocks: grouped by block, one Or per bitmap word, one count per block.
/// Invariants: I-F1 every slot is validated against its block's word before a bit is set. I-F2 bits before counts.
/// Callers: CacheSlowPath, Trimmer; owning the array of slots. Checked by: property tests, misuse tests.
/// </summary>
internal static unsafe class Homecoming<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Most slots of one call: a magazine.</summary>
    public const int MaxSlots = 128;

    private const int Buckets = 256;

    /// <summary>
    /// Gives <paramref name="count"/> slots back. The array's owner may reuse it afterwards. Invalid pointers are left out and named in the outcome; the others are given back all the same.
    /// </summary>
    [SkipLocalsInit]
    public static Outcome Give(Heap* heap, CacheRecord* record, int sizeClass, ulong* from, int count)
    {
        var slots = stackalloc ulong[MaxSlots];
        for (var number = 0; number < count; number++)
            slots[number] = TAtomics.ReadPlain(from + number, Site.MagazineRead);

        // Chains of slots of one block: a small hash table instead of a sort (5–8 cycles a slot).
        var heads = stackalloc byte[Buckets];
        var next = stackalloc byte[MaxSlots];
        var groups = stackalloc byte[MaxSlots];
        var masks = stackalloc ulong[ClassPlan.BitmapWords];
        Unsafe.InitBlock(heads, 0, Buckets);
        Unsafe.InitBlock(masks, 0, ClassPlan.BitmapWords * sizeof(ulong));
        var shift = heap->Classes[sizeClass].BlockShift;
        var groupCount = 0;
        for (var number = 0; number < count; number++)
        {
            var key = slots[number] >> shift;
            var bucket = (int)((key * 0x9E3779B97F4A7C15ul) >> 56);
            for (; ; bucket = (bucket + 1) & (Buckets - 1))
            {
                var head = heads[bucket];
                if (head == 0)
                {
                    next[number] = 0;
                    groups[groupCount++] = (byte)bucket;
                    break;
                }

                if (slots[head - 1] >> shift == key)
                {
                    next[number] = head;
                    break;
                }
            }

            heads[bucket] = (byte)(number + 1);
        }

        var outcome = Outcome.Ok;
        for (var group = 0; group < groupCount; group++)
        {
            var found = GiveGroup(heap, record, sizeClass, slots, next, heads[groups[group]], masks, alone: false);
            if (found != Outcome.Ok)
                outcome = found;
        }

        return outcome;
    }

    private static Outcome GiveGroup(Heap* heap, CacheRecord* record, int sizeClass, ulong* slots, byte* next, int head, ulong* masks, bool alone)
    {
        if (!Placement<TAtomics>.TryLocate(heap, slots[head - 1], out var block))
            return Outcome.InvalidPointer;
        var word = new BlockWord(TAtomics.LoadAcquire(block.Space->Words + block.Index, Site.BlockLoad)); // order: acquire: the cursor is at least where it was when our slots left [B1]
        if (word.Phase != BlockPhase.InUse)
            return Outcome.InvalidPointer;
        var outcome = word.Class == sizeClass ? Outcome.Ok : Outcome.WrongSize;
        var info = heap->Classes + word.Class;
        if (!alone && info->Kind != heap->Classes[sizeClass].Kind)
        {
            // A wrong size given to Free grouped the slots by the wrong block size: each on its own.
            for (var number = head; number != 0; number = next[number - 1])
            {
                var found = GiveGroup(heap, record, sizeClass, slots, next, number, masks, alone: true);
                outcome = found == Outcome.Ok ? outcome : found;
            }

            return outcome;
        }

        var first = ClassPlan.BitmapWords;
        var last = -1;
        var count = 0;
        for (var number = head; number != 0; number = alone ? 0 : next[number - 1])
        {
            var slot = Placement<TAtomics>.SlotOf(block.Space, block.Index, *info, slots[number - 1], word.Cursor);
            if (slot < 0)
            {
                outcome = Outcome.InvalidPointer;
                continue;
            }

            var index = slot >> 6;
            var bit = 1ul << (slot & 63);
            if ((masks[index] & bit) != 0)
            {
                outcome = Outcome.DoubleFree;
                continue;
            }

            masks[index] |= bit;
            first = Math.Min(first, index);
            last = Math.Max(last, index);
            count++;
        }

        if (count == 0)
            return outcome;
        var given = Blocks<TAtomics, TGeometry>.SetBits(block.Space, block.Index, masks, first, last);
        if (given != count)
            outcome = Outcome.DoubleFree;
        if (given != 0 && !TryCount(heap, record, block, word.Class, given))
        {
            Blocks<TAtomics, TGeometry>.UndoBits(block.Space, block.Index, masks, first, last);
            outcome = Outcome.DoubleFree;
        }

        Unsafe.InitBlock(masks + first, 0, (uint)(last - first + 1) * sizeof(ulong));
        record->SharedOperations += (ulong)(last - first + 2);
        return outcome;
    }

    private static bool TryCount(Heap* heap, CacheRecord* record, BlockRef block, int sizeClass, int given)
    {
        var info = heap->Classes + sizeClass;
        var kept = &heap->States[sizeClass].Kept;
        var start = Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index);
        var keptNow = TAtomics.LoadAcquire(kept, Site.KeptLoad); // order: a hint [H1]
        var homecoming = Blocks<TAtomics, TGeometry>.CountFree(block.Space, block.Index, sizeClass, *info, given, keptNow != 0 && keptNow != start, out var cursor);
        if (homecoming == BlockHome.Gone)
            return false;
        record->PendingInUse -= (long)given * info->SlotSize;
        if (homecoming == BlockHome.Held)
            Blocks<TAtomics, TGeometry>.Empty(block.Space, block.Index, cursor);
        else if (homecoming == BlockHome.AllHome && keptNow == 0)
            TAtomics.CompareExchangeAcqRel(kept, 0, start, Site.KeptChange); // order: a hint [H1]
        return true;
    }
}
