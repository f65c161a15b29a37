using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the life of a region: taken dirty before clean, of its own class or a larger one; committed as far as asked for; given back into a cache's slot, on offer, or to the system.
/// Invariants: I-Q1 to I-Q3 (RegionWord); I-Q7 whoever makes a region Dirty or Clean sets its leaf afterwards, always: a leaf is a hint, and a picker that finds another state goes on, owing nothing.
/// I-Q8 what is touched is charged before it is handed out, and the charge is returned after the pages are gone (I-L1).
/// Callers: Large (ladder), the Api's free and realloc; owning the record, holding nothing. Checked by: property tests, failing calls; the explorer's region scenarios.
/// </summary>
internal static unsafe class Regions<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A request may get a dirty region of a class so many steps larger: addresses cost nothing, and pages that are there cost no fault. Beyond, one small user would hold too much.</summary>
    private const int MaxStepsUp = 5;

    /// <summary>A region for <paramref name="size"/> bytes at a multiple of <paramref name="alignment"/>, or 0 with the reason. From <paramref name="dirtyBytes"/> on it reads as zero.</summary>
    public static ulong Alloc(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out ulong dirtyBytes, out Outcome outcome)
    {
        var regionClass = RegionClasses.ClassOf(Math.Max(Math.Max(size, alignment), 1));
        var units = RegionClasses.UnitsOf(size);
        outcome = Outcome.Ok;
        if (!TryTakeDirty(heap, record, regionClass, units, out var region) && !(RegionSlots<TAtomics, TGeometry>.TrySteal(heap, record, regionClass, out region) && Fits(region, units))
            && !(PurgePolicy<TAtomics, TGeometry>.BeforeFresh(heap, record, 0, units << RegionWord.UnitShift) && TryTakeDirty(heap, record, regionClass, units, out region)))
            outcome = TryTakeClean(heap, regionClass, out region);

        dirtyBytes = 0;
        return outcome == Outcome.Ok ? HandOut(heap, record, region, units, out dirtyBytes, out outcome) : 0;
    }

    /// <summary>Takes a region back, through the cache's slot of its class.</summary>
    public static Outcome Free(Heap* heap, CacheRecord* record, RegionRef region, ulong address)
    {
        if (address != region.Start)
            return Outcome.InvalidPointer;
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; its user's, who lets nobody else change the length [Q1]
        if (word.Phase != RegionPhase.InUse || !RegionSlots<TAtomics, TGeometry>.TryMarkIdle(heap, region))
            return region.Index < TAtomics.LoadAcquire(&region.Area->Frontier, Site.RegionFrontier) ? Outcome.DoubleFree : Outcome.InvalidPointer; // order: acquire; a region that was given out is below [Q1]
        Count(record, -(long)(word.InUse << RegionWord.UnitShift));
        RegionSlots<TAtomics, TGeometry>.Keep(heap, record, region);
        return Outcome.Ok;
    }

    /// <summary>As <see cref="Free"/> for a region whose pages, <paramref name="bytes"/> of them, were all moved away: it is clean. False where more may lie behind it, or somebody holds it.</summary>
    public static bool TryFreeEmptied(Heap* heap, CacheRecord* record, RegionRef region, ulong bytes)
    {
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
        if (word.Phase != RegionPhase.InUse || word.IsClaimed || word.IsHuge || word.Touched != word.InUse || word.InUse << RegionWord.UnitShift != bytes
            || !TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, word.Freed().Claim().Raw, Site.RegionFree)) // order: release: the user's last writes come before the next user [Q1]
            return false;
        Count(record, -(long)bytes);
        Limits<TAtomics>.Return(heap, bytes);
        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - bytes, Site.HeapFigures); // order: a figure [H1]
        PutBack(region, word.Freed().Purged(0, lazily: false));
        return true;
    }

    /// <summary>
    /// Makes a region longer or shorter where it is. False: it does not fit, or its tail is being purged (move), or memory was refused (<paramref name="outcome"/> says so). Bytes beyond the old length
    /// may hold what an earlier user left.
    /// </summary>
    public static bool TryResize(Heap* heap, CacheRecord* record, RegionRef region, ulong size, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var units = RegionClasses.UnitsOf(size);
        if (size > 1ul << region.Area->Shift)
            return false;
        for (; ; )
        {
            var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
            if (word.Phase != RegionPhase.InUse)
                outcome = Outcome.InvalidPointer;
            if (word.Phase != RegionPhase.InUse || (word.IsClaimed && word.InUse != units))
                return false;
            if (word.InUse == units)
                return true;
            var isLonger = units > word.Touched;
            var next = isLonger ? word.Claim() : word.Used(units);

            // order: acquire: what a purge of the tail did; held while it grows, so that no purge and no second call is at it [Q1]
            if (!TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, next.Raw, Site.RegionResize))
                continue;
            if (isLonger && !TryBack(heap, region, ref next, units, out outcome))
            {
                LetGo(region, next.Unclaim());
                return false;
            }

            if (isLonger)
                LetGo(region, next.Used(units));
            Count(record, ((long)units - (long)word.InUse) << RegionWord.UnitShift);
            return true;
        }
    }

    /// <summary>Bytes of the region in use that starts at the address, or 0.</summary>
    public static ulong SizeOf(RegionRef region, ulong address)
    {
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire: at least as new as when the user got it [Q1]
        return address == region.Start && word.Phase == RegionPhase.InUse && TAtomics.LoadAcquire(region.Idle, Site.RegionIdle) == 0 ? word.InUse << RegionWord.UnitShift : 0; // order: acquire: as the word [Q3]
    }

    /// <summary>Offers a region out of a slot, which the caller alone has, to all. Where somebody is at its tail, the duty is theirs. Its idle mark stays: a second free finds the mark or the phase.</summary>
    public static void Offer(RegionRef region)
    {
        for (; ; )
        {
            var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
            if (!TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, word.Freed().Raw, Site.RegionFree)) // order: release: the user's last writes come before the next user, before the leaf [Q1]
                continue;
            if (!word.IsClaimed)
                BitTree<TAtomics, TGeometry>.Set(&region.Area->Trees, RegionArea.DirtyColumn, region.Index);
            return;
        }
    }

    /// <summary>Takes hold of a region out of a slot, which the caller alone has, as of a dirty one; its idle mark stays, as in <see cref="Offer"/>. False: somebody is at its tail, and it is on offer when they are done.</summary>
    public static bool TryHold(RegionRef region)
    {
        for (; ; )
        {
            var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
            var next = word.IsClaimed ? word.Freed() : word.Freed().Claim();
            if (TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, next.Raw, Site.RegionFree)) // order: acquire: a purge of the tail; release: the user's last writes [Q1]
                return !word.IsClaimed;
        }
    }

    /// <summary>Puts a held region back as it was found, and offers it again.</summary>
    public static void PutBack(RegionRef region, RegionWord word)
    {
        TAtomics.StoreRelease(region.Word, word.Unclaim().Raw, Site.RegionRelease); // order: release, before the leaf [Q1]
        BitTree<TAtomics, TGeometry>.Set(&region.Area->Trees, word.Phase == RegionPhase.Clean ? RegionArea.CleanColumn : RegionArea.DirtyColumn, region.Index);
    }

    /// <summary>
    /// Lets go of a region that was held while in use: <paramref name="word"/> is what it comes to. Its user may have freed it meanwhile: then the duty to offer it is ours.
    /// </summary>
    public static void LetGo(RegionRef region, RegionWord word)
    {
        for (; ; )
        {
            var now = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
            var isFreed = now.Phase != RegionPhase.InUse;
            var next = isFreed ? word.Freed() : word;

            // order: release: what was done to the pages; acquire: the user's last writes [Q1]
            if (!TAtomics.CompareExchangeAcqRel(region.Word, now.Raw, next.Raw, Site.RegionRelease))
                continue;
            if (isFreed)
                BitTree<TAtomics, TGeometry>.Set(&region.Area->Trees, RegionArea.DirtyColumn, region.Index);
            return;
        }
    }

    /// <summary>Claims a region that lies on offer in that phase.</summary>
    public static bool TryClaim(RegionRef region, RegionPhase phase, out RegionWord held)
    {
        for (; ; )
        {
            var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire [Q1]
            held = word.Claim();
            if (!word.IsOffered(phase))
                return false;
            if (TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, held.Raw, Site.RegionClaim)) // order: acquire: the last holder's purge, the last user's writes [Q1]
                return true;
        }
    }

    /// <summary>Adds to the bytes in use, by way of the record.</summary>
    public static void Count(CacheRecord* record, long bytes)
    {
        record->PendingInUse += bytes;
        if (record->PendingInUse is > RegionHits<TAtomics, TGeometry>.SettleBytes or < -RegionHits<TAtomics, TGeometry>.SettleBytes)
            CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
    }

    /// <summary>A dirty region of the class or a little above, held: the cache's own first, then what is on offer.</summary>
    private static bool TryTakeDirty(Heap* heap, CacheRecord* record, int regionClass, ulong units, out RegionRef region)
    {
        var last = Math.Min(regionClass + MaxStepsUp, RegionClasses.Count - 1);
        for (var at = regionClass; at <= last; at++)
        {
            if (!(RegionSlots<TAtomics, TGeometry>.TryTakeOwn(heap, record, at, out region) && TryHold(region)) && !TryPick(heap, at, RegionPhase.Dirty, out region))
                continue;
            if (Fits(region, units))
                return true;
        }

        region = default;
        return false;
    }

    /// <summary>Whether a held region can serve so many units. One whose pages come from the pool, and are too few, is put back: left to shorter requests, because the pool may have no more.</summary>
    private static bool Fits(RegionRef region, ulong units)
    {
        var held = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; held [Q1]
        if (!held.IsHuge || held.Committed >= units)
            return true;
        PutBack(region, held);
        return false;
    }

    private static bool TryPick(Heap* heap, int regionClass, RegionPhase phase, out RegionRef region)
    {
        region = default;
        for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            region.Area = area;
            while (BitTree<TAtomics, TGeometry>.TryPick(&area->Trees, phase == RegionPhase.Clean ? RegionArea.CleanColumn : RegionArea.DirtyColumn, out region.Index))
            {
                if (TryClaim(region, phase, out _))
                    return true;
            }
        }

        return false;
    }

    private static Outcome TryTakeClean(Heap* heap, int regionClass, out RegionRef region) =>
        TryPick(heap, regionClass, RegionPhase.Clean, out region) ? Outcome.Ok : TryBirth(heap, regionClass, mayBeHidden: true, out region);

    /// <summary>A region that was never handed out, held; or, where none seemed to be on offer (<paramref name="mayBeHidden"/>), one that is.</summary>
    public static Outcome TryBirth(Heap* heap, int regionClass, bool mayBeHidden, out RegionRef region)
    {
        for (; ; )
        {
            if (TryFrontier(heap, regionClass, out region) || (mayBeHidden && TryHidden(heap, regionClass, out region)))
                return Outcome.Ok;
            var outcome = RegionAreas<TAtomics, TGeometry>.Add(heap, regionClass);
            if (outcome != Outcome.Ok)
                return outcome;
        }
    }

    /// <summary>
    /// X1 before an area is added: a picker that stopped between clearing a parent's bit and looking again hides, beside the region whose leaf it cleared, one that was offered meanwhile. Whose leaf is set is found.
    /// </summary>
    private static bool TryHidden(Heap* heap, int regionClass, out RegionRef region)
    {
        var isFound = false;
        for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            var leaves = (TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier) + (1ul << TGeometry.WordShift) - 1) >> TGeometry.WordShift; // order: acquire [Q1]
            isFound |= BitTree<TAtomics, TGeometry>.Sweep(&area->Trees, RegionArea.DirtyColumn, 0, leaves);
            isFound |= BitTree<TAtomics, TGeometry>.Sweep(&area->Trees, RegionArea.CleanColumn, 0, leaves);
        }

        region = default;
        return isFound && (TryPick(heap, regionClass, RegionPhase.Dirty, out region) || TryPick(heap, regionClass, RegionPhase.Clean, out region));
    }

    private static bool TryFrontier(Heap* heap, int regionClass, out RegionRef region)
    {
        region = default;
        for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            for (; ; )
            {
                var next = TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: acquire [Q1]
                if (next >= area->Count)
                    break;
                if (!TAtomics.CompareExchangeAcqRel(&area->Frontier, next, next + 1, Site.RegionFrontier)) // order: of two one gets the region; its word is 0, as the area was made [Q1]
                    continue;
                region.Area = area;
                region.Index = next;

                // A walk over all words (Reservations) may have come first: to it a word of 0 is a region on offer.
                // order: release; a sweeper that came first found nothing to do in it [Q1]
                if (TAtomics.CompareExchangeAcqRel(region.Word, 0, new RegionWord(0).Claim().Raw, Site.RegionBirth))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Gives the user what the caller holds: charges, commits, and writes the word. Refused, the region is on offer again.</summary>
    private static ulong HandOut(Heap* heap, CacheRecord* record, RegionRef region, ulong units, out ulong dirtyBytes, out Outcome outcome)
    {
        var held = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; the caller's alone [Q1]
        dirtyBytes = (held.IsStale ? units : Math.Min(held.Touched, units)) << RegionWord.UnitShift;
        if (!TryBack(heap, region, ref held, units, out outcome))
        {
            PutBack(region, held);
            return 0;
        }

        TAtomics.StoreRelease(region.Idle, 0, Site.RegionIdle); // order: release; the next user's free finds it clear. Not before: of an offer's two steps either alone would let a second free pass [Q3]
        TAtomics.StoreRelease(region.Word, held.Used(units).Raw, Site.RegionHandOut); // order: release; the address passes to other threads by the user's own means [Q1]
        Count(record, (long)(units << RegionWord.UnitShift));
        return region.Start;
    }

    /// <summary>Charges and commits what <paramref name="units"/> units need beyond what the region has. <paramref name="held"/> has the committed length after it, also where it failed.</summary>
    public static bool TryBack(Heap* heap, RegionRef region, ref RegionWord held, ulong units, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var more = units > held.Touched ? (units - held.Touched) << RegionWord.UnitShift : 0;
        if (more != 0 && !Limits<TAtomics>.TryCharge(heap, more))
        {
            outcome = Outcome.LimitReached;
            return false;
        }

        if (units > held.Committed)
        {
            outcome = Outcomes.From(RegionPages<TAtomics>.Commit(heap, region.Start, ref held, units));
            if (outcome != Outcome.Ok)
            {
                Limits<TAtomics>.Undo(heap, more);
                return false;
            }
        }

        if (more != 0)
            TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, more, Site.HeapFigures); // order: a figure [H1]
        return true;
    }
}
