using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: requests above 64 KiB: one mapping each, page-aligned, a multiple of 64 KiB long.
/// Invariants: I-D1 a mapping is registered before its address is returned and unregistered, by one exchange, before it is released: of two frees one finds nothing.
/// I-D2 a mapping is charged before it is reserved, and its charge is returned after its pages are gone (I-L1).
/// Callers: the Api's slow paths, holding nothing. Checked by: unit tests, property tests with failing calls.
/// </summary>
internal static unsafe class DirectMappings<TAtomics>
    where TAtomics : struct, IAtomics
{
    private const ulong Granule = 1ul << DirectTable.GranuleShift;
    private const ulong LeafMask = (1ul << DirectTable.LeafShift) - 1;

    /// <summary>Set in the entry of a mapping that was freed but could not be released yet.</summary>
    private const ulong Dead = 1;

    /// <summary>Set with <see cref="Dead"/> where its pages could not be purged either: they stay charged until the heap ends.</summary>
    private const ulong Stuck = 2;

    /// <summary>Bytes of the mapping that serves a request.</summary>
    public static ulong UsableSize(ulong size) => HeapOs<TAtomics>.AlignUp(size, Granule);

    public static ulong Alloc(Heap* heap, ulong size, ulong alignment, out Outcome outcome)
    {
        var bytes = UsableSize(size);
        if (!Limits<TAtomics>.TryCharge(heap, bytes))
        {
            outcome = Outcome.LimitReached;
            return 0;
        }

        var address = Map(heap, bytes, alignment, out outcome);
        if (outcome != Outcome.Ok)
            Limits<TAtomics>.Undo(heap, bytes);
        return address;
    }

    private static ulong Map(Heap* heap, ulong bytes, ulong alignment, out Outcome outcome)
    {
        void* address;
        var status = LostRanges<TAtomics>.Reserve(heap, bytes, Math.Max(alignment, Granule), &address);
        if (status != VmStatus.Ok)
        {
            outcome = Outcomes.From(status);
            return 0;
        }

        outcome = Outcomes.From(HeapOs<TAtomics>.Commit(heap, address, bytes));
        if (outcome == Outcome.Ok)
        {
            outcome = TryEntry(heap, (ulong)address, create: true, out var entry);
            if (outcome == Outcome.Ok)
            {
                TAtomics.StoreRelease(entry, bytes, Site.DirectRegister); // order: release; the address passes to other threads by the user's own means [D1]
                TAtomics.FetchAddAcqRel(&heap->DirectBytesLine.Value, bytes, Site.HeapFigures); // order: a figure [H1]
                TAtomics.FetchAddAcqRel(&heap->DirectCountLine.Value, 1, Site.HeapFigures); // order: a figure [H1]
                return (ulong)address;
            }
        }

        _ = LostRanges<TAtomics>.Release(heap, address, bytes);
        return 0;
    }

    public static Outcome Free(Heap* heap, ulong address)
    {
        if ((address & (Granule - 1)) != 0 || TryEntry(heap, address, create: false, out var entry) != Outcome.Ok || entry == null)
            return Outcome.InvalidPointer;

        // order: acquire and release: of two frees one takes the size, and the mapping goes only after its last owner's writes [D1]
        var bytes = TAtomics.ExchangeAcqRel(entry, 0, Site.DirectUnregister);
        if (bytes == 0)
            return Outcome.InvalidPointer;
        if ((bytes & Dead) != 0)
        {
            TAtomics.StoreRelease(entry, bytes, Site.DirectRegister); // order: release; nobody else can have the address [D1]
            return Outcome.DoubleFree;
        }

        TAtomics.FetchAddAcqRel(&heap->DirectBytesLine.Value, 0 - bytes, Site.HeapFigures); // order: a figure [H1]
        TAtomics.FetchAddAcqRel(&heap->DirectCountLine.Value, ulong.MaxValue, Site.HeapFigures); // order: a figure [H1]
        var isGone = HeapOs<TAtomics>.Release(heap, (void*)address, bytes) == VmStatus.Ok;
        if (!isGone)
        {
            // Out of mappings (a release may split one): the memory goes all the same, the addresses when the heap does.
            isGone = HeapOs<TAtomics>.Purge(heap, (void*)address, bytes) is VmStatus.Ok or VmStatus.CommitRefused;
            TAtomics.StoreRelease(entry, bytes | Dead | (isGone ? 0 : Stuck), Site.DirectRegister); // order: release [D1]
        }

        if (isGone)
            Limits<TAtomics>.Return(heap, bytes);
        return Outcome.Ok;
    }

    /// <summary>Bytes of the mapping that starts at this address, or 0.</summary>
    public static ulong SizeOf(Heap* heap, ulong address)
    {
        if ((address & (Granule - 1)) != 0 || TryEntry(heap, address, create: false, out var entry) != Outcome.Ok || entry == null)
            return 0;
        var bytes = TAtomics.LoadAcquire(entry, Site.DirectLookup); // order: acquire [D1]
        return (bytes & Dead) != 0 ? 0 : bytes;
    }

    /// <summary>Bytes and start of the live mapping that the address lies in, start or inside; 0 where there is none.</summary>
    public static ulong Find(Heap* heap, ulong address, out ulong start)
    {
        start = 0;
        var granule = address >> DirectTable.GranuleShift;
        for (var leafIndex = granule >> DirectTable.LeafShift; leafIndex < DirectTable.RootEntries; leafIndex--)
        {
            var leaf = (ulong*)TAtomics.LoadAcquire(heap->Direct.Root + leafIndex, Site.DirectLeafLoad); // order: acquire [D2]
            var first = leafIndex << DirectTable.LeafShift;
            for (var entry = leaf == null ? -1 : (long)(Math.Min(granule, first + LeafMask) - first); entry >= 0; entry--)
            {
                var bytes = TAtomics.LoadAcquire(leaf + entry, Site.DirectLookup); // order: acquire [D1]
                if (bytes == 0)
                    continue;
                start = (first + (ulong)entry) << DirectTable.GranuleShift;
                return (bytes & Dead) == 0 && address - start < bytes ? bytes : 0;
            }
        }

        return 0;
    }

    /// <summary>Releases every mapping that is still there, and the table; how many of these the system refused to take back. For Dispose alone, which repeats it.</summary>
    public static int ReleaseAll(Heap* heap)
    {
        var left = 0;
        for (var index = 0; index < DirectTable.RootEntries; index++)
        {
            var leaf = (ulong*)heap->Direct.Root[index];
            if (leaf == null)
                continue;
            var before = left;
            for (var entry = 0ul; entry < 1ul << DirectTable.LeafShift; entry++)
            {
                if (leaf[entry] == 0)
                    continue;
                if (HeapOs<TAtomics>.Release(heap, (void*)((((ulong)index << DirectTable.LeafShift) | entry) << DirectTable.GranuleShift), leaf[entry] & ~(Dead | Stuck)) == VmStatus.Ok)
                    leaf[entry] = 0;
                else
                    left++;
            }

            if (left == before && HeapOs<TAtomics>.Release(heap, leaf, DirectTable.LeafBytes) == VmStatus.Ok)
                heap->Direct.Root[index] = 0;
            else
                left++;
        }

        return left;
    }

    private static Outcome TryEntry(Heap* heap, ulong address, bool create, out ulong* entry)
    {
        entry = null;
        var granule = address >> DirectTable.GranuleShift;
        var index = granule >> DirectTable.LeafShift;
        if (index >= DirectTable.RootEntries)
            return Outcome.AddressSpaceExhausted;
        var root = heap->Direct.Root + index;
        var leaf = TAtomics.LoadAcquire(root, Site.DirectLeafLoad); // order: acquire: the leaf is committed [D2]
        if (leaf == 0)
        {
            if (!create)
                return Outcome.Ok;
            var outcome = MakeLeaf(heap, root, out leaf);
            if (outcome != Outcome.Ok)
                return outcome;
        }

        entry = (ulong*)leaf + (granule & LeafMask);
        return Outcome.Ok;
    }

    private static Outcome MakeLeaf(Heap* heap, ulong* root, out ulong leaf)
    {
        leaf = 0;
        if (!Limits<TAtomics>.TryCharge(heap, DirectTable.LeafBytes))
            return Outcome.LimitReached;
        void* made;
        var status = LostRanges<TAtomics>.Reserve(heap, DirectTable.LeafBytes, Math.Max(heap->PageSize, Granule), &made);
        if (status == VmStatus.Ok)
        {
            status = HeapOs<TAtomics>.Commit(heap, made, DirectTable.LeafBytes);

            // order: release publishes the committed leaf; the loser of a race gives its own back [D2]
            if (status == VmStatus.Ok && TAtomics.CompareExchangeAcqRel(root, 0, (ulong)made, Site.DirectLeafPublish))
            {
                leaf = (ulong)made;
                TAtomics.FetchAddAcqRel(&heap->DirectLeavesLine.Value, 1, Site.HeapFigures); // order: a figure [H1]
                return Outcome.Ok;
            }

            _ = LostRanges<TAtomics>.Release(heap, made, DirectTable.LeafBytes);
        }

        Limits<TAtomics>.Undo(heap, DirectTable.LeafBytes);
        if (status == VmStatus.Ok)
            leaf = TAtomics.LoadAcquire(root, Site.DirectLeafLoad); // order: acquire [D2]
        return Outcomes.From(status);
    }
}
