using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the one free region of each class that a cache keeps at hand. A slot's word is a shared one: whoever takes the address out of it, by an exchange, has the region; so the regions of a cache
/// whose owner sleeps serve others without asking it.
/// Invariants: I-Q10 a region is in one slot or none, and then its phase is Cached. Callers: Regions (owner's take and keep, others' steal), Trimmer, Decay, CacheSlowPath (everything out).
/// Checked by: a test with a sleeping owner and no call to the system; the explorer's steal scenarios.
/// </summary>
internal static unsafe class RegionSlots<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Takes the region of that class out of a cache's slot. Anybody.</summary>
    public static bool TryTake(Heap* heap, CacheRecord* record, int regionClass, out RegionRef region)
    {
        region = default;
        var slot = CacheRecord.Region(record, regionClass);
        if (TAtomics.LoadAcquire(slot, Site.RegionSlotLook) == 0) // order: acquire; a look [Q3]
            return false;
        var address = TAtomics.ExchangeAcqRel(slot, 0, Site.RegionSlotTake); // order: acquire: the last user's writes, the word as the keeper left it [Q3]
        return address != 0 && RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out region);
    }

    /// <summary>Puts a freed region into its cache's slot; what lay there is offered to all, or goes back to the system where the policy says so. Owner of the record.</summary>
    public static void Keep(Heap* heap, CacheRecord* record, RegionRef region)
    {
        var older = TAtomics.ExchangeAcqRel(CacheRecord.Region(record, region.Area->Class), region.Start, Site.RegionSlotPut); // order: release: the user's last writes and the word; acquire: those of the one that lay there [Q3]
        if (older == 0 || !RegionAreas<TAtomics, TGeometry>.TryLocate(heap, older, out region))
            return;
        if (TAtomics.LoadAcquire(&heap->Policy.EagerReturn, Site.HeapFigures) != 0) // order: a setting [H1]
            RegionPurge<TAtomics, TGeometry>.ReturnOwn(heap, region);
        else
            Regions<TAtomics, TGeometry>.Offer(region);
    }

    /// <summary>A region of the class, or of one a step larger, out of another cache of the heap.</summary>
    public static bool TrySteal(Heap* heap, CacheRecord* own, int regionClass, out RegionRef region)
    {
        region = default;
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (record == own)
                continue;
            if (TryTake(heap, record, regionClass, out region) || (regionClass + 1 < RegionClasses.Count && TryTake(heap, record, regionClass + 1, out region)))
                return true;
        }

        return false;
    }

    /// <summary>Offers all that a cache keeps. Anybody. Returns how many.</summary>
    public static int OfferAll(Heap* heap, CacheRecord* record)
    {
        var count = 0;
        if (RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) == null)
            return 0;
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
        {
            if (!TryTake(heap, record, regionClass, out var region))
                continue;
            Regions<TAtomics, TGeometry>.Offer(region);
            count++;
        }

        return count;
    }

    /// <summary>Offers all that every cache of the heap keeps.</summary>
    public static int OfferAll(Heap* heap)
    {
        var count = 0;
        if (RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) == null)
            return 0;
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
            count += OfferAll(heap, record);
        return count;
    }
}
