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

    /// <summary>An empty magazine, or null with the reason.</summary>
    public static ulong* TryTakeEmpty(Heap* heap, CacheRecord* record, out Outcome outcome)
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

    /// <summary>Keeps an empty magazine at hand, or for the next cache that needs one.</summary>
    public static void GiveEmpty(Heap* heap, CacheRecord* record, ulong* magazine)
    {
        if (record->SpareEmpty == 0)
            record->SpareEmpty = (ulong)magazine;
        else
            NodeStack<TAtomics>.TryPush(Arena(heap), &heap->EmptyMagazines.Head, magazine, ulong.MaxValue);
    }

    /// <summary>Gives the record's own empty magazine to all.</summary>
    public static void ReleaseSpare(Heap* heap, CacheRecord* record)
    {
        var magazine = (ulong*)record->SpareEmpty;
        record->SpareEmpty = 0;
        if (magazine != null)
            NodeStack<TAtomics>.TryPush(Arena(heap), &heap->EmptyMagazines.Head, magazine, ulong.MaxValue);
    }

    /// <summary>Takes a full magazine of the class from the recycler, or null.</summary>
    public static ulong* TryTakeFull(Heap* heap, int sizeClass) => NodeStack<TAtomics>.TryPop(Arena(heap), &heap->States[sizeClass].Recycler);

    /// <summary>Gives a full magazine to the recycler unless that holds its share.</summary>
    public static bool TryGiveFull(Heap* heap, int sizeClass, ulong* magazine) =>
        NodeStack<TAtomics>.TryPush(Arena(heap), &heap->States[sizeClass].Recycler, magazine, heap->Classes[sizeClass].RecyclerDepth);

    /// <summary>Takes all full magazines of a class as a chain.</summary>
    public static ulong* TakeAllFull(Heap* heap, int sizeClass) => NodeStack<TAtomics>.TakeAll(Arena(heap), &heap->States[sizeClass].Recycler);

    /// <summary>Full magazines of the class in the recycler.</summary>
    public static ulong RecyclerDepth(Heap* heap, int sizeClass) => NodeStack<TAtomics>.Depth(Arena(heap), &heap->States[sizeClass].Recycler);

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

            var status = HeapOs<TAtomics>.Ensure(heap, &heap->Magazines, next + Bytes);
            outcome = Outcomes.From(status);
            if (status != VmStatus.Ok)
                return null;

            // order: release: committed below the new frontier [W1]
            if (TAtomics.CompareExchangeAcqRel(&heap->MagazinesNextLine.Value, next, next + Bytes, Site.MagazineFrontier))
                return (ulong*)(heap->Magazines.Base + next);
        }
    }
}
