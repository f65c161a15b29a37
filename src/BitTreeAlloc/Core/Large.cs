using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the way of requests above 2 MiB: a region to 64 GiB, a mapping of its own beyond or where no region can be had; and the ladder when the system or the hard limit refuses: what the caller's
/// cache (flush) and the recyclers (drain) hold goes home, free pages go back (purge), and the request is tried once more.
/// Invariants: a request fails only after the ladder. Callers: the Api, holding nothing. Checked by: capacity and limit tests on the simulated system.
/// </summary>
internal static unsafe class Large<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Memory that may have been touched is purged, not cleared, from here on: much of it may never have been.</summary>
    private const ulong PurgeToZeroBytes = 16 << 20;

    /// <summary>Memory; <paramref name="record"/> is the caller's cache. From <paramref name="dirtyBytes"/> on it reads as zero.</summary>
    public static ulong Alloc(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out ulong dirtyBytes, out Outcome outcome)
    {
        var bytes = BytesOf(size);
        PurgePolicy<TAtomics, TGeometry>.TrySweepToSoft(heap, record, bytes, 0);
        var address = TryOnce(heap, record, size, alignment, out dirtyBytes, out outcome);
        if (address != 0 || outcome is not (Outcome.CommitRefused or Outcome.LimitReached))
            return address;
        if (!CacheSlowPath<TAtomics, TGeometry>.TryFlushForShortage(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, outcome == Outcome.LimitReached ? Limits<TAtomics>.SweepTarget(heap, bytes) : 0);
        return TryOnce(heap, record, size, alignment, out dirtyBytes, out outcome);
    }

    /// <summary>Takes back what <see cref="Alloc"/> gave out.</summary>
    public static Outcome Free(Heap* heap, CacheRecord* record, ulong address)
    {
        if (!RegionAreas<TAtomics, TGeometry>.TryLocateNear(heap, record, address, out var region))
            return DirectMappings<TAtomics>.Free(heap, address);
        return region.Area->IsExact ? ExactRegions<TAtomics, TGeometry>.Free(heap, record, region, address) : Regions<TAtomics, TGeometry>.Free(heap, record, region, address);
    }

    /// <summary>The region that an address lies in, start or inside, live or free. False outside of all that was ever handed out.</summary>
    public static bool TryLocate(Heap* heap, ulong address, out RegionRef region)
    {
        if (!RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out region))
            return false;
        if (region.Area->IsExact)
            ExactRegions<TAtomics, TGeometry>.ToRun(ref region);
        return true;
    }

    /// <summary>Makes what the first bytes of freshly given memory hold zero by giving their pages back, which beats clearing them from some length on. False: the caller clears.</summary>
    public static bool TryZero(Heap* heap, ulong address, ulong bytes) =>
        bytes >= PurgeToZeroBytes && !HeapOs<TAtomics>.IsSealed(heap)
        && RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out var region)
        && !new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)).IsHuge // order: acquire; the caller's own [Q1]
        && HeapOs<TAtomics>.Purge(heap, (void*)address, bytes) == VmStatus.Ok;

    /// <summary>Makes it longer or shorter where it is, for a size that is to be served so; false where it has to move, or with a reason.</summary>
    public static bool TryResize(Heap* heap, CacheRecord* record, ulong address, ulong size, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        if (RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out var region))
        {
            return region.Area->IsExact
                ? ExactRegions<TAtomics, TGeometry>.TryResize(heap, record, region, size, out outcome) : Regions<TAtomics, TGeometry>.TryResize(heap, record, region, size, out outcome);
        }

        var usable = DirectMappings<TAtomics>.SizeOf(heap, address);
        return size > RegionClasses.MaxSize && size <= usable && size > usable / 2;
    }

    /// <summary>
    /// Moves the first <paramref name="bytes"/> bytes of one large allocation to another, by their pages where the system grants it, and frees the old one (<paramref name="outcome"/>). False, and
    /// nothing changed: the caller copies and frees.
    /// </summary>
    public static bool TryMove(Heap* heap, CacheRecord* record, ulong from, ulong to, ulong bytes, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        bytes = HeapOs<TAtomics>.AlignUp(bytes, heap->PageSize);
        if (HeapOs<TAtomics>.IsSealed(heap) || HeapOs<TAtomics>.Move(heap, from, to, bytes, out var copied) != VmStatus.Ok)
            return false;
        TAtomics.FetchAddAcqRel(&heap->MovedBytesLine.Value, bytes - copied, Site.HeapFigures); // order: a figure [H1]
        var isRegion = RegionAreas<TAtomics, TGeometry>.TryLocate(heap, from, out var region);
        if (isRegion && region.Area->IsExact)
            outcome = ExactRegions<TAtomics, TGeometry>.Free(heap, record, region, from, moved: copied == 0 ? bytes : 0);
        else if (copied != 0 || !isRegion || !Regions<TAtomics, TGeometry>.TryFreeEmptied(heap, record, region, bytes))
            outcome = Free(heap, record, from);
        return true;
    }

    /// <summary>Bytes that start at the address, or 0.</summary>
    public static ulong SizeOf(Heap* heap, ulong address) =>
        RegionAreas<TAtomics, TGeometry>.TryLocate(heap, address, out var region) ? Regions<TAtomics, TGeometry>.SizeOf(region, address) : DirectMappings<TAtomics>.SizeOf(heap, address);

    /// <summary>Bytes and start of the live memory that the address lies in, start or inside; 0 where there is none.</summary>
    public static ulong Find(Heap* heap, ulong address, out ulong start)
    {
        if (!TryLocate(heap, address, out var region))
            return DirectMappings<TAtomics>.Find(heap, address, out start);
        start = region.Start;
        var bytes = Regions<TAtomics, TGeometry>.SizeOf(region, start);
        return address - start < bytes ? bytes : 0;
    }

    /// <summary>Bytes that a request of that size may use.</summary>
    public static ulong BytesOf(ulong size) =>
        size <= RegionClasses.MaxSize ? RegionClasses.UnitsOf(size) << RegionWord.UnitShift : DirectMappings<TAtomics>.UsableSize(size);

    private static ulong TryOnce(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out ulong dirtyBytes, out Outcome outcome)
    {
        dirtyBytes = 0;
        if (size <= RegionClasses.MaxSize)
        {
            var address = ExactRegions<TAtomics, TGeometry>.Serves(heap, size, alignment)
                ? ExactRegions<TAtomics, TGeometry>.Alloc(heap, record, size, alignment, out dirtyBytes, out outcome) : Regions<TAtomics, TGeometry>.Alloc(heap, record, size, alignment, out dirtyBytes, out outcome);
            if (outcome is not (Outcome.AddressSpaceExhausted or Outcome.TooManyMappings))
                return address;
        }

        return DirectMappings<TAtomics>.Alloc(heap, size, alignment, out outcome);
    }
}
