using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the one free region of each class that a cache keeps at hand. The owner uses its slots by plain stores and a look for a claim; a thief claims them, makes every thread pass a fence, and then
/// looks whether the owner is inside: one of the two sees the other, as in CacheClaims. So a pair of calls costs no atomic, and the regions of a cache whose owner sleeps serve others.
/// Invariants: I-Q10 a region is in one slot or none, and then its idle mark is set. I-Q14 only the owner of a record, inside, or who has claimed the slots of a quiet one, changes them. I-Q15 who
/// meets the other goes another way: nobody waits.
/// Callers: Regions (owner's take and keep, others' steal), RegionPurge, Trimmer, Decay, CacheSlowPath (everything out). Checked by: a test with a sleeping owner and no call to the system; the explorer's
/// slot scenarios; a disassembly test holds the owner's store before its load.
/// </summary>
/// <remarks>Rejected: slots taken by an exchange (no fence for the thief). A pair of calls cost 17 ns so and 11 without, where the best peer's costs 33 (docs/adr/0011).</remarks>
internal static unsafe class RegionSlots<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Takes the region of that class out of the cache's slot. Owner.</summary>
    public static bool TryTakeOwn(Heap* heap, CacheRecord* record, int regionClass, out RegionRef region)
    {
        region = default;
        if (TAtomics.LoadAcquire(CacheRecord.Region(record, regionClass), Site.RegionSlotLook) == 0 || !TryEnter(record)) // order: acquire; a look [Q3]
            return false;
        var isTaken = TryTakeInside(heap, record, regionClass, out region);
        Leave(record);
        return isTaken;
    }

    /// <summary>
    /// Marks a region idle that a user frees. False: it is idle already, freed twice. At the fast level two frees at the very same time may both pass (a race of the caller's own); the checked level
    /// tells them apart by an exchange.
    /// </summary>
    public static bool TryMarkIdle(Heap* heap, RegionRef region)
    {
        if (heap->Checked)
            return TAtomics.ExchangeAcqRel(region.Idle, 1, Site.RegionIdle) == 0; // order: of two frees one passes [Q3]
        if (TAtomics.LoadAcquire(region.Idle, Site.RegionIdle) != 0) // order: acquire; the user's own [Q3]
            return false;
        TAtomics.StoreRelease(region.Idle, 1, Site.RegionIdle); // order: release; the user's own until the slot has it [Q3]
        return true;
    }

    /// <summary>Puts an idle region into the cache's slot; what lay there, or the region itself where a thief is at the slots, is offered to all, or goes back to the system where the policy says so. Owner.</summary>
    public static void Keep(Heap* heap, CacheRecord* record, RegionRef region)
    {
        if (TryEnter(record))
        {
            var slot = CacheRecord.Region(record, region.Area->Class);
            var older = TAtomics.LoadAcquire(slot, Site.RegionSlotLook); // order: acquire: inside, so it stays [Q3]
            TAtomics.StoreRelease(slot, region.Start, Site.RegionSlotPut); // order: release: the user's last writes and the mark, for a thief [Q3]
            Leave(record);
            if (older == 0 || !RegionAreas<TAtomics, TGeometry>.TryLocate(heap, older, out region))
                return;
        }

        if (TAtomics.LoadAcquire(&heap->Policy.EagerReturn, Site.HeapFigures) == 0 || HeapOs<TAtomics>.IsSealed(heap)) // order: a setting; the region can stay, so no seal is broken for it [H1]
            Regions<TAtomics, TGeometry>.Offer(region);
        else if (Regions<TAtomics, TGeometry>.TryHold(region))
            RegionPurge<TAtomics, TGeometry>.ReturnHeld(heap, region);
    }

    /// <summary>A region of the class, or of one a step larger, out of another cache of the heap; held.</summary>
    public static bool TrySteal(Heap* heap, CacheRecord* own, int regionClass, out RegionRef region)
    {
        region = default;
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (record == own || !(HasOne(record, regionClass) || HasOne(record, regionClass + 1)) || !TryClaim(heap, record))
                continue;
            var isTaken = TryTakeInside(heap, record, regionClass, out region) || (regionClass + 1 < RegionClasses.Count && TryTakeInside(heap, record, regionClass + 1, out region));
            Unclaim(record);
            if (isTaken && Regions<TAtomics, TGeometry>.TryHold(region))
                return true;
        }

        return false;
    }

    /// <summary>Offers all that the cache keeps, but for what a thief is about to take. Owner, or who has ended the owner's tenure.</summary>
    public static void OfferOwn(Heap* heap, CacheRecord* record)
    {
        if (!HasAny(heap, record) || !TryEnter(record))
            return;
        OfferInside(heap, record);
        Leave(record);
    }

    /// <summary>Offers all that a cache keeps whose owner is not inside. Anybody.</summary>
    public static void OfferIdle(Heap* heap, CacheRecord* record)
    {
        if (!HasAny(heap, record) || !TryClaim(heap, record))
            return;
        OfferInside(heap, record);
        Unclaim(record);
    }

    /// <summary>Offers all that every cache of the heap keeps, but those whose owners are inside at this moment.</summary>
    public static void OfferAll(Heap* heap)
    {
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
            OfferIdle(heap, record);
    }

    private static bool HasAny(Heap* heap, CacheRecord* record)
    {
        if (RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) == null)
            return false;
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
        {
            if (HasOne(record, regionClass))
                return true;
        }

        return false;
    }

    private static bool HasOne(CacheRecord* record, int regionClass) =>
        regionClass < RegionClasses.Count && TAtomics.LoadAcquire(CacheRecord.Region(record, regionClass), Site.RegionSlotLook) != 0; // order: acquire; a look [Q3]

    private static void OfferInside(Heap* heap, CacheRecord* record)
    {
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
        {
            if (TryTakeInside(heap, record, regionClass, out var region))
                Regions<TAtomics, TGeometry>.Offer(region);
        }
    }

    private static bool TryTakeInside(Heap* heap, CacheRecord* record, int regionClass, out RegionRef region)
    {
        region = default;
        var slot = CacheRecord.Region(record, regionClass);
        var address = TAtomics.LoadAcquire(slot, Site.RegionSlotLook); // order: acquire: the last user's writes and the mark [Q3]
        if (address == 0)
            return false;
        TAtomics.StoreRelease(slot, 0, Site.RegionSlotTake); // order: inside or claimed [Q3]
        return RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out region);
    }

    /// <summary>Owner: begins to use its slots. False: somebody claims them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnter(CacheRecord* record)
    {
        // order: release, and no fence behind it: the thief's process-wide fence stands for the one between this store and the load below [Q4]
        TAtomics.StoreRelease(&record->RegionsInside, 1, Site.RegionOwnerEnter);
        if (TAtomics.LoadAcquire(&record->RegionsClaim, Site.RegionOwnerLook) == 0) // order: acquire: what the last thief did to the slots [Q5]
            return true;
        Leave(record);
        return false;
    }

    /// <summary>Owner: ends it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(CacheRecord* record) =>
        TAtomics.StoreRelease(&record->RegionsInside, 0, Site.RegionOwnerLeave); // order: release: a thief that sees it sees the slots [Q4]

    /// <summary>Thief: whether the slots are its until <see cref="Unclaim"/>. Not where the heap is sealed: the fence is a call to the system.</summary>
    private static bool TryClaim(Heap* heap, CacheRecord* record)
    {
        if (HeapOs<TAtomics>.IsSealed(heap) || TAtomics.LoadAcquire(&record->RegionsInside, Site.RegionOwnerState) != 0 // order: acquire; a look that saves the fence [Q4]
            || !TAtomics.CompareExchangeAcqRel(&record->RegionsClaim, 0, 1, Site.RegionSlotsClaim)) // order: release: before the fence; acquire: the thief before [Q5]
            return false;

        // order: full, in every thread: an owner whose look at the claim came before it has its "inside" visible after it [Q4]
        TAtomics.FenceProcessWide(Site.RegionSlotsFence);
        if (TAtomics.LoadAcquire(&record->RegionsInside, Site.RegionOwnerState) == 0) // order: acquire: the owner's slots [Q4]
            return true;
        Unclaim(record);
        return false;
    }

    private static void Unclaim(CacheRecord* record) => TAtomics.StoreRelease(&record->RegionsClaim, 0, Site.RegionSlotsUnclaim); // order: release: the slots as they are now [Q5]
}
