using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the supply of magazines (born at a frontier, kept on a stack when empty) and the recyclers, one stack of full magazines per class.
/// Invariants: I-M1 magazines are type-stable: never unmapped, never used for anything else, while the heap lives. I-M2 a recycled magazine is full, so its top needs no count.
/// Callers: CacheSlowPath, Trimmer. Checked by: recycler tests on both forms of the head; the explorer.
/// </summary>
internal static unsafe class Magazines<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private static ulong Bytes => (ulong)(TGeometry.MagazineWords * sizeof(ulong));

    /// <summary>
    /// An empty magazine with a grant for some slots of the class, all that it may hold where the budget allows. Null with Ok where there is no grant for a single slot, else with the reason.
    /// </summary>
    public static ulong* TryTakeEmpty(Heap* heap, CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var slots = Grant(heap, record, sizeClass, AllowedSlots(heap, sizeClass, out _));
        if (slots == 0)
            return null;
        var magazine = TryTakeBare(heap, record, out outcome);
        if (magazine == null)
            ReturnGrant(heap, record, sizeClass, slots);
        else
            SetSlots(magazine, slots);
        return magazine;
    }

    /// <summary>Gives an empty magazine more slots, where it got fewer than it may hold and the budget allows more by now.</summary>
    public static void Extend(Heap* heap, CacheRecord* record, int sizeClass, ulong* magazine)
    {
        var slots = SlotsOf(magazine);
        var more = AllowedSlots(heap, sizeClass, out _) - slots;
        if (more > 0)
            SetSlots(magazine, slots + Grant(heap, record, sizeClass, more));
    }

    /// <summary>Keeps an empty magazine of a class at hand, or for the next cache that needs one; its grant is free again.</summary>
    public static void GiveEmpty(Heap* heap, CacheRecord* record, int sizeClass, ulong* magazine)
    {
        ReturnGrant(heap, record, sizeClass, SlotsOf(magazine));
        if (record->SpareEmpty == 0)
            record->SpareEmpty = (ulong)magazine;
        else
            NodeStack<TAtomics>.TryPush(Arena(heap), &heap->EmptyMagazines.Head, magazine, ulong.MaxValue);
    }

    /// <summary>Slots that a magazine in a cache may hold: it has a grant for them.</summary>
    public static int SlotsOf(ulong* magazine) => (int)TAtomics.LoadAcquire(magazine, Site.MagazineSlots); // order: owned [R2]

    /// <summary>Slots that one magazine of the class may hold, and whether a cache may have two.</summary>
    public static int AllowedSlots(Heap* heap, int sizeClass, out bool withSpare)
    {
        var info = heap->Classes + sizeClass;
        var bound = TAtomics.LoadAcquire(&heap->CacheClassBytesLine.Value, Site.HeapFigures); // order: a setting; soon is enough [H1]
        withSpare = bound == 0 || bound >= 2ul * (ulong)info->MagazineSlots * (ulong)info->SlotSize;
        return withSpare ? info->MagazineSlots : (int)Math.Min((ulong)info->MagazineSlots, bound / (ulong)info->SlotSize);
    }

    /// <summary>Gives the record's own empty magazine to all.</summary>
    public static void ReleaseSpare(Heap* heap, CacheRecord* record)
    {
        var magazine = (ulong*)record->SpareEmpty;
        record->SpareEmpty = 0;
        if (magazine != null)
            NodeStack<TAtomics>.TryPush(Arena(heap), &heap->EmptyMagazines.Head, magazine, ulong.MaxValue);
    }

    /// <summary>Takes a full magazine of the class from the recycler, with its grant; or null.</summary>
    public static ulong* TryTakeFull(Heap* heap, int sizeClass)
    {
        var magazine = NodeStack<TAtomics>.TryPop(Arena(heap), &heap->States[sizeClass].Recycler);
        if (magazine != null)
            SetSlots(magazine, heap->Classes[sizeClass].MagazineSlots);
        return magazine;
    }

    /// <summary>
    /// Gives a full magazine, one that may hold all that a magazine of the class can, to the recycler with its grant, unless that holds its share: then it is the caller's as before.
    /// </summary>
    public static bool TryGiveFull(Heap* heap, int sizeClass, ulong* magazine)
    {
        if (NodeStack<TAtomics>.TryPush(Arena(heap), &heap->States[sizeClass].Recycler, magazine, heap->Classes[sizeClass].RecyclerDepth))
            return true;

        // An attempt that lost the last place to another push has written a link over the count.
        SetSlots(magazine, heap->Classes[sizeClass].MagazineSlots);
        return false;
    }

    /// <summary>Takes all full magazines of a class as a chain; each is the caller's after <see cref="Adopt"/>.</summary>
    public static ulong* TakeAllFull(Heap* heap, int sizeClass) => NodeStack<TAtomics>.TakeAll(Arena(heap), &heap->States[sizeClass].Recycler);

    /// <summary>Makes a magazine of such a chain, whose link has been read, one of a cache again.</summary>
    public static void Adopt(Heap* heap, int sizeClass, ulong* magazine) => SetSlots(magazine, heap->Classes[sizeClass].MagazineSlots);

    /// <summary>Full magazines of the class in the recycler.</summary>
    public static ulong RecyclerDepth(Heap* heap, int sizeClass) => NodeStack<TAtomics>.Depth(Arena(heap), &heap->States[sizeClass].Recycler);

    private static int Grant(Heap* heap, CacheRecord* record, int sizeClass, int slots)
    {
        var slotSize = heap->Classes[sizeClass].SlotSize;
        if (sizeClass <= SizeClasses.LastSmall)
            return CacheBudget<TAtomics>.Take(heap, record, slots, slotSize);
        var allowed = CacheBudget<TAtomics>.TakeMedium(heap, slots, slotSize);
        var got = allowed == 0 ? 0 : CacheBudget<TAtomics>.Take(heap, record, allowed, slotSize);
        CacheBudget<TAtomics>.ReturnMedium(heap, allowed - got, slotSize);
        return got;
    }

    private static void ReturnGrant(Heap* heap, CacheRecord* record, int sizeClass, int slots)
    {
        var slotSize = heap->Classes[sizeClass].SlotSize;
        CacheBudget<TAtomics>.Return(heap, record, (ulong)slots * (ulong)slotSize);
        if (sizeClass > SizeClasses.LastSmall)
            CacheBudget<TAtomics>.ReturnMedium(heap, slots, slotSize);
    }

    private static ulong* TryTakeBare(Heap* heap, CacheRecord* record, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var magazine = (ulong*)record->SpareEmpty;
        if (magazine != null)
        {
            record->SpareEmpty = 0;
            return magazine;
        }

        magazine = NodeStack<TAtomics>.TryPop(Arena(heap), &heap->EmptyMagazines.Head);
        return magazine != null ? magazine : Birth(heap, out outcome);
    }

    /// <summary>The count stands where a stack has its link.</summary>
    private static void SetSlots(ulong* magazine, int slots) =>
        TAtomics.StoreRelease(magazine, (ulong)slots, Site.MagazineSlots); // order: release only for the explorer's sake: a popper with a stale head may read this word now [R2]

    private static NodeArena Arena(Heap* heap) =>
        new((ulong)heap->Magazines.Base, System.Numerics.BitOperations.Log2((uint)Bytes), heap->UseCas16);

    private static ulong* Birth(Heap* heap, out Outcome outcome)
    {
        for (; ; )
        {
            var next = TAtomics.LoadAcquire(&heap->MagazinesNextLine.Value, Site.MagazineFrontier); // order: acquire [W1]
            if (next + Bytes > heap->Magazines.Reserved)
            {
                outcome = Outcome.AddressSpaceExhausted;
                return null;
            }

            // A cache can do without: that is no reason to break a seal.
            var isAtHand = next + Bytes <= TAtomics.LoadAcquire(&heap->Magazines.Committed, Site.WatermarkLoad); // order: acquire: committed up to there [W1]
            if (!isAtHand && HeapOs<TAtomics>.IsSealed(heap))
            {
                outcome = Outcome.Sealed;
                return null;
            }

            var status = isAtHand ? VmStatus.Ok : HeapOs<TAtomics>.Ensure(heap, &heap->Magazines, next + Bytes);
            outcome = Outcomes.From(status);
            if (status != VmStatus.Ok)
                return null;

            // order: release: committed below the new frontier [W1]
            if (TAtomics.CompareExchangeAcqRel(&heap->MagazinesNextLine.Value, next, next + Bytes, Site.MagazineFrontier))
                return (ulong*)(heap->Magazines.Base + next);
        }
    }
}
