using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the way of regions' pages back to the system: free regions, the tails that users of longer regions do not need, and so many bytes of each class per tick.
/// Invariants: I-Q11 what is purged is held: a free region by its claim, a tail by the claim on a region in use, whose user may free it meanwhile. I-Q12 a purge that fails loses nothing.
/// Callers: Sweeper, Decay (tick), RegionSlots (eager return); holding nothing else. Several may run at once. Checked by: property tests with failing purges; the explorer's region scenarios.
/// </summary>
internal static unsafe class RegionPurge<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Purges until <paramref name="goal"/> bytes went back, no more than <paramref name="charge"/> bytes are charged (0: whatever is), or nothing is left. Returns the bytes.</summary>
    public static ulong Sweep(Heap* heap, ulong goal, ulong charge)
    {
        if (RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) == null)
            return 0;
        RegionSlots<TAtomics, TGeometry>.OfferAll(heap);
        var purged = 0ul;
        for (var regionClass = RegionClasses.Count - 1; regionClass >= 0; regionClass--)
            purged += SweepClass(heap, regionClass, goal - Math.Min(purged, goal), charge, tails: true);
        return purged + ExactRegions<TAtomics, TGeometry>.Sweep(heap, goal - Math.Min(purged, goal), charge);
    }

    /// <summary>One tick: up to <paramref name="budget"/> bytes of free regions of each class. Returns the bytes.</summary>
    public static ulong Tick(Heap* heap, ulong budget)
    {
        var purged = 0ul;
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
            purged += SweepClass(heap, regionClass, budget, 0, tails: false);
        return purged + ExactRegions<TAtomics, TGeometry>.Sweep(heap, budget, 0);
    }

    /// <summary>Gives a free region that the caller holds back to the system, before anybody else sees it.</summary>
    public static void ReturnHeld(Heap* heap, RegionRef region) =>
        Purge(heap, region, new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)), 0); // order: acquire; held [Q1]

    private static ulong SweepClass(Heap* heap, int regionClass, ulong goal, ulong charge, bool tails)
    {
        var purged = 0ul;
        for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            RegionRef region;
            region.Area = area;
            var end = TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: acquire [Q1]
            for (region.Index = end; region.Index-- > 0 && purged < goal && (charge == 0 || Limits<TAtomics>.Charged(heap) > charge);)
                purged += SweepOne(heap, region, goal - purged, tails);
        }

        return purged;
    }

    /// <summary>A free region, or the tail of one in use. Where only a part of the goal is left, the upper part goes.</summary>
    private static ulong SweepOne(Heap* heap, RegionRef region, ulong goal, bool tails)
    {
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; a look [Q1]
        var isTail = tails && word.Phase == RegionPhase.InUse && word.Touched > word.InUse;
        if (word.IsClaimed || (word.Phase != RegionPhase.Dirty && !isTail))
            return 0;
        var wanted = goal >> RegionWord.UnitShift;
        if (wanted == 0 || (isTail && word.IsHuge))
            return 0;

        // Pages of the pool go back all at once, whatever is left of the goal: else a small goal, as each tick's, would never reach them.
        var left = word.IsHuge ? 0 : Math.Max(word.InUse, word.Touched - Math.Min(wanted, word.Touched));

        // order: acquire: the last user's writes. The leaf stays: a picker that meets it finds the region held or clean, and goes on [Q1]
        if (!TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, word.Claim().Raw, Site.RegionClaim))
            return 0;
        return Purge(heap, region, word.Claim(), left);
    }

    /// <summary>Purges all but the first <paramref name="left"/> units of a region that the caller holds, and lets it go.</summary>
    private static ulong Purge(Heap* heap, RegionRef region, RegionWord held, ulong left)
    {
        var bytes = (held.Touched - left) << RegionWord.UnitShift;
        var isLazy = false;
        var isGone = bytes == 0 || RegionPages<TAtomics>.Purge(heap, region, ref held, left, out isLazy);
        if (!isGone)
            bytes = 0;

        // Before the region is offered: who takes it finds its room.
        Limits<TAtomics>.Return(heap, bytes);
        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - bytes, Site.HeapFigures); // order: a figure [H1]
        var next = isGone ? held.Purged(left, isLazy) : held.Unclaim();
        if (held.Phase == RegionPhase.InUse)
            Regions<TAtomics, TGeometry>.LetGo(region, next);
        else
            Regions<TAtomics, TGeometry>.PutBack(region, next);
        return bytes;
    }
}
