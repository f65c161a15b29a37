using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the two short ways of regions, through the owner's slot: a free into an empty one, and an allocation of the length that the slot's last user had. Everything else returns at once, with nothing
/// changed, to Large. Leaf code: what is not here is a call that is not made.
/// Invariants: as RegionSlots. Callers: the Api's misses, owning the record. Checked by: as Large, whose answers it has to give; the explorer's slot scenarios.
/// </summary>
internal static unsafe class RegionHits<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A record's figure is added to the heap's beyond this, by the longer way: at every call all threads would meet on one word.</summary>
    public const long SettleBytes = 16 << 20;

    /// <summary>The cache's own free region, where it is of the class of <paramref name="size"/> bytes (above 2 MiB) and its last user had as many units; or 0.</summary>
    public static ulong TryAlloc(CacheRecord* record, ulong size)
    {
        if (size > RegionClasses.MaxSize)
            return 0;
        var slot = CacheRecord.Region(record, RegionClasses.ClassOf(size));
        var bytes = RegionClasses.UnitsOf(size) << RegionWord.UnitShift;
        var address = TAtomics.LoadAcquire(slot, Site.RegionSlotLook); // order: acquire; a look [Q3]
        if (address == 0 || !TryFind(record, address, out var region) || record->PendingInUse > SettleBytes || !RegionSlots<TAtomics, TGeometry>.TryEnter(record))
            return 0;
        var isOurs = TAtomics.LoadAcquire(slot, Site.RegionSlotLook) == address // order: acquire: inside, so it stays [Q3]
            && new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)).InUse << RegionWord.UnitShift == bytes; // order: acquire: nobody else changes the length [Q1]
        if (isOurs)
        {
            TAtomics.StoreRelease(slot, 0, Site.RegionSlotTake); // order: a look of others; inside [Q3]
            TAtomics.StoreRelease(region.Idle, 0, Site.RegionIdle); // order: the caller's alone; the address passes on by the user's own means [Q3]
        }

        RegionSlots<TAtomics, TGeometry>.Leave(record);
        record->PendingInUse += isOurs ? (long)bytes : 0;
        return isOurs ? address : 0;
    }

    /// <summary>Frees a region into its cache's empty slot. False, and nothing changed: the longer way frees it, or says what is wrong.</summary>
    public static bool TryFree(CacheRecord* record, ulong address)
    {
        if (!TryFind(record, address, out var region) || region.Start != address || record->PendingInUse < -SettleBytes)
            return false;
        var slot = CacheRecord.Region(record, region.Area->Class);
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; its user's, who lets nobody else change the length [Q1]
        if (word.Phase != RegionPhase.InUse || TAtomics.LoadAcquire(region.Idle, Site.RegionIdle) != 0 // order: acquire; the user's own [Q3]
            || TAtomics.LoadAcquire(slot, Site.RegionSlotLook) != 0 || !RegionSlots<TAtomics, TGeometry>.TryEnter(record)) // order: acquire: only the owner fills it, so it stays empty [Q3]
            return false;
        TAtomics.StoreRelease(region.Idle, 1, Site.RegionIdle); // order: release; before the slot [Q3]
        TAtomics.StoreRelease(slot, address, Site.RegionSlotPut); // order: release: the user's last writes and the mark, for a thief [Q3]
        RegionSlots<TAtomics, TGeometry>.Leave(record);
        record->PendingInUse -= (long)(word.InUse << RegionWord.UnitShift);
        return true;
    }

    /// <summary>The region of an address in the area that the record's owner used last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryFind(CacheRecord* record, ulong address, out RegionRef region)
    {
        region.Area = record->LastArea;
        region.Index = 0;
        if (region.Area == null)
            return false;
        region.Index = (address - (ulong)region.Area->Base) >> region.Area->Shift;
        return region.Index < region.Area->Count;
    }
}
