using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the exact mode of regions: a request of up to 1 GiB gets exactly the pages of 2 MiB that it needs, a run in a chunk of 512, and they go back to the system with the free.
/// Invariants: I-X1 the run's word lies at its first page, and is not 0 only while the descriptor is there; who made the word leave "in use, not held" has the run alone. I-X2 touched = committed = pages of the
/// run, all charged; in use is less only where a purge was refused. I-X3 what is given is purged, at once and never lazily: a fresh run reads as zero. I-X4 a free run that could not be purged
/// (sealed, or the system refused) is kept: charged, Dirty, on offer to requests of its length, and every sweep tries again. Nobody but its user is at a run in use.
/// Callers: Large, RegionPurge, Reservations; holding nothing. Checked by: tests/unit/Core/LargeMemory/ExactRegions*, the property programs; PageRuns by itself.
/// </summary>
/// <remarks>A thread that is stopped in a call strands the one run that it takes, gives or resizes.</remarks>
internal static unsafe class ExactRegions<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Largest request, and largest alignment: a chunk.</summary>
    public const ulong MaxBytes = (ulong)RunChunk.MaxPages << RegionWord.UnitShift;

    /// <summary>Whether the heap serves such a request so. What lies above goes to the pools.</summary>
    public static bool Serves(Heap* heap, ulong size, ulong alignment) => heap->ExactRegions && size <= MaxBytes && alignment <= MaxBytes;

    /// <summary>As Regions.Alloc.</summary>
    public static ulong Alloc(Heap* heap, CacheRecord* record, ulong size, ulong alignment, out ulong dirtyBytes, out Outcome outcome)
    {
        var units = RegionClasses.UnitsOf(size);
        dirtyBytes = 0;
        outcome = Outcome.Ok;
        if (TryTakeKept(heap, units, alignment, out var region, out var held))
        {
            dirtyBytes = units << RegionWord.UnitShift;
        }
        else
        {
            PurgePolicy<TAtomics, TGeometry>.BeforeFresh(heap, record, 0, units << RegionWord.UnitShift);
            outcome = TryTake(heap, units, alignment, out region, out held);
            if (outcome != Outcome.Ok)
                return 0;
        }

        TAtomics.StoreRelease(region.Idle, 0, Site.RegionIdle); // order: a note for errors, none needed [H1]
        TAtomics.StoreRelease(region.Word, held.Used(units).Raw, Site.RegionHandOut); // order: release; the address passes to other threads by the user's own means [Q1]
        Regions<TAtomics, TGeometry>.Count(record, (long)(units << RegionWord.UnitShift));
        return region.Start;
    }

    /// <summary>A fresh run, charged and committed, held by the caller; its word is still 0. Refused, nothing was taken but addresses for a chunk.</summary>
    public static Outcome TryTake(Heap* heap, ulong units, ulong alignment, out RegionRef region, out RegionWord held)
    {
        held = new RegionWord(0).Claim();
        var outcome = TakePages(heap, (int)units, (int)Math.Max(1, alignment >> RegionWord.UnitShift), out region);
        if (outcome == Outcome.Ok && !Regions<TAtomics, TGeometry>.TryBack(heap, region, ref held, units, out outcome))
            PageRuns<TAtomics, TGeometry>.Give(&region.Area->Runs, (int)region.Index);
        return outcome;
    }

    /// <summary>
    /// Takes a run back. <paramref name="moved"/>: so many bytes from its start have no pages any more. Of two frees one wins: it alone made the word leave "in use".
    /// </summary>
    public static Outcome Free(Heap* heap, CacheRecord* record, RegionRef region, ulong address, ulong moved = 0)
    {
        if (address != region.Start)
            return Outcome.InvalidPointer;
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; its user's [Q1]

        // order: acquire and release: the user's last writes come before the purge and the next user [Q1]
        if (word.Phase != RegionPhase.InUse || word.IsClaimed || !TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, word.Freed().Claim().Raw, Site.RegionFree))
            return WasFreed(region) ? Outcome.DoubleFree : Outcome.InvalidPointer;
        TAtomics.StoreRelease(region.Idle, 1, Site.RegionIdle); // order: a note for errors, none needed [H1]
        Regions<TAtomics, TGeometry>.Count(record, -(long)(word.InUse << RegionWord.UnitShift));
        if (moved == word.Touched << RegionWord.UnitShift && !word.IsHuge)
            Forget(heap, region, word.Touched, 0);
        else if (TryPurge(heap, region, word, 0) == 0)
            Keep(region, word);
        return Outcome.Ok;
    }

    /// <summary>
    /// Makes a run longer where the pages behind it are free, or shorter. False: it has to move, or memory was refused; nothing changed. A part that cannot be purged stays with the run, charged, until
    /// its next resize or free.
    /// </summary>
    public static bool TryResize(Heap* heap, CacheRecord* record, RegionRef region, ulong size, out Outcome outcome)
    {
        var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; its user's [Q1]
        outcome = word.Phase == RegionPhase.InUse ? Outcome.Ok : Outcome.InvalidPointer;
        var units = RegionClasses.UnitsOf(size);
        if (outcome != Outcome.Ok || word.IsClaimed || size > MaxBytes)
            return false;
        if (word.InUse == units)
            return true;
        if (!TAtomics.CompareExchangeAcqRel(region.Word, word.Raw, word.Claim().Raw, Site.RegionResize)) // order: of two calls, which is a mistake, one goes on [Q1]
            return false;
        var held = word.Claim();
        if (units > word.Touched)
        {
            var isGrown = PageRuns<TAtomics, TGeometry>.TryGrow(&region.Area->Runs, (int)region.Index, (int)(units - word.Touched));
            if (!isGrown || !Regions<TAtomics, TGeometry>.TryBack(heap, region, ref held, units, out outcome))
            {
                if (isGrown)
                    PageRuns<TAtomics, TGeometry>.Shrink(&region.Area->Runs, (int)region.Index, (int)word.Touched);
                TAtomics.StoreRelease(region.Word, word.Raw, Site.RegionRelease); // order: release; as it was [Q1]
                return false;
            }

            Raise(region.Area, region.Index + units);
            TAtomics.StoreRelease(region.Word, held.Used(units).Raw, Site.RegionRelease); // order: release; longer after its run is [Q1]
        }
        else if (units == word.Touched || TryPurge(heap, region, word, units) == 0)
        {
            TAtomics.StoreRelease(region.Word, word.Used(units).Raw, Site.RegionRelease); // order: release [Q1]
        }

        Regions<TAtomics, TGeometry>.Count(record, ((long)units - (long)word.InUse) << RegionWord.UnitShift);
        return true;
    }

    /// <summary>Tries again to purge runs that are kept, until <paramref name="goal"/> bytes went back or no more than <paramref name="charge"/> bytes are charged (0: whatever is). Returns the bytes.</summary>
    public static ulong Sweep(Heap* heap, ulong goal, ulong charge)
    {
        if (!heap->ExactRegions || HeapOs<TAtomics>.IsSealed(heap))
            return 0;
        var purged = 0ul;
        for (var area = First(heap); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            var region = new RegionRef { Area = area, Index = EndOfKept(area) };
            while (region.Index-- > 0 && goal - purged >> RegionWord.UnitShift != 0 && (charge == 0 || Limits<TAtomics>.Charged(heap) > charge))
            {
                if (!TryHold(region, out var word))
                    continue;
                var bytes = TryPurge(heap, region, word, word.Touched - Math.Min(word.Touched, goal - purged >> RegionWord.UnitShift));
                if (bytes == 0)
                    Keep(region, word);
                purged += Math.Min(bytes, goal - purged);
            }
        }

        return purged;
    }

    /// <summary>Takes hold of a run that is kept.</summary>
    public static bool TryHold(RegionRef region, out RegionWord word)
    {
        if (!Regions<TAtomics, TGeometry>.TryClaim(region, RegionPhase.Dirty, out word))
            return false;
        TAtomics.FetchAddAcqRel(&region.Area->Kept, ulong.MaxValue, Site.HeapFigures); // order: a hint, above 0 too often at most [H1]
        return true;
    }

    /// <summary>Puts a run aside that the caller holds, as it is: free, with its pages and its charge.</summary>
    public static void Keep(RegionRef region, RegionWord held)
    {
        TAtomics.StoreRelease(region.Word, held.Freed().Unclaim().Raw, Site.RegionRelease); // order: release: the last user's writes [Q1]
        TAtomics.FetchAddAcqRel(&region.Area->Kept, 1, Site.HeapFigures); // order: a hint; who looks before it misses a run [H1]
    }

    /// <summary>Turns the page of an address into the run that it lies in; free pages are left as they are.</summary>
    public static void ToRun(ref RegionRef region)
    {
        if (PageRuns<TAtomics, TGeometry>.PagesOf(&region.Area->Runs, (int)region.Index, out var first) != 0)
            region.Index = (ulong)first;
    }

    /// <summary>The oldest chunk, or null.</summary>
    public static RegionArea* First(Heap* heap) => RegionAreas<TAtomics, TGeometry>.First(heap, RegionArea.ExactClass);

    private static Outcome TakePages(Heap* heap, int pages, int alignment, out RegionRef region)
    {
        for (; ; )
        {
            for (region.Area = First(heap); region.Area != null; region.Area = RegionAreas<TAtomics, TGeometry>.Next(region.Area))
            {
                if (!PageRuns<TAtomics, TGeometry>.TryTake(&region.Area->Runs, pages, alignment, out var first))
                    continue;
                region.Index = (ulong)first;
                Raise(region.Area, region.Index + (ulong)pages);
                return Outcome.Ok;
            }

            region.Index = 0;
            var outcome = RegionAreas<TAtomics, TGeometry>.AddChunk(heap, (ulong)Math.Max(pages, alignment));
            if (outcome != Outcome.Ok)
                return outcome;
        }
    }

    /// <summary>The smallest kept run that serves, held: one of that very length, or where the heap is sealed, and what it has is all there is, a longer one.</summary>
    private static bool TryTakeKept(Heap* heap, ulong units, ulong alignment, out RegionRef region, out RegionWord held)
    {
        var most = HeapOs<TAtomics>.IsSealed(heap) ? ulong.MaxValue : units;
        for (; ; )
        {
            region = default;
            held = default;
            var least = most;
            for (var area = First(heap); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
            {
                var at = new RegionRef { Area = area };
                for (var end = EndOfKept(area); at.Index < end; at.Index++)
                {
                    var word = new RegionWord(TAtomics.LoadAcquire(at.Word, Site.RegionLoad)); // order: acquire; a look [Q1]
                    if (!word.IsOffered(RegionPhase.Dirty) || word.Touched < units || word.Touched > least || (at.Start & (alignment - 1)) != 0 || (word.Touched == least && region.Area != null))
                        continue;
                    region = at;
                    least = word.Touched;
                }
            }

            if (region.Area == null)
                return false;
            if (!TryHold(region, out held))
                continue;

            // Another may have had it meanwhile, and cut it or not.
            if (held.Touched >= units && held.Touched <= most)
                return true;
            Keep(region, held);
        }
    }

    /// <summary>Purges all but the first <paramref name="left"/> units of a run that the caller holds and gives their pages to all. 0: not now; <paramref name="word"/> is the run's still, and held.</summary>
    private static ulong TryPurge(Heap* heap, RegionRef region, RegionWord word, ulong left)
    {
        // As of a run in use: at once, not when the system is short.
        var held = word.Used(word.Touched);
        if (HeapOs<TAtomics>.IsSealed(heap) || !RegionPages<TAtomics>.Purge(heap, region, ref held, left, out _))
            return 0;
        if (left != 0)
        {
            var next = word.Used(left).Purged(left, lazily: false).WithCommitted(left, huge: false);
            TAtomics.StoreRelease(region.Word, word.Phase == RegionPhase.InUse ? next.Raw : next.Freed().Claim().Raw, Site.RegionRelease); // order: release; shorter before its run is [Q1]
        }

        Forget(heap, region, word.Touched, left);
        if (left != 0 && word.Phase != RegionPhase.InUse)
            Keep(region, new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad))); // order: acquire; held [Q1]
        return (word.Touched - left) << RegionWord.UnitShift;
    }

    /// <summary>Lets pages go that are purged: first their charge, so that who takes them finds its room, then the pages.</summary>
    private static void Forget(Heap* heap, RegionRef region, ulong touched, ulong left)
    {
        var bytes = (touched - left) << RegionWord.UnitShift;
        Limits<TAtomics>.Return(heap, bytes);
        TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, 0 - bytes, Site.HeapFigures); // order: a figure [H1]
        if (left != 0)
        {
            PageRuns<TAtomics, TGeometry>.Shrink(&region.Area->Runs, (int)region.Index, (int)left);
            return;
        }

        TAtomics.StoreRelease(region.Word, 0, Site.RegionRelease); // order: release, before the pages: the next run's word comes after it [Q1]
        PageRuns<TAtomics, TGeometry>.Give(&region.Area->Runs, (int)region.Index);
    }

    /// <summary>Why a free did not find a run in use: it lies free or is being freed, or one that started here went and nothing has come in its place. A guess that words errors.</summary>
    private static bool WasFreed(RegionRef region)
    {
        if (new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)).Phase != RegionPhase.Clean) // order: acquire; a look [Q1]
            return true;
        return TAtomics.LoadAcquire(region.Idle, Site.RegionIdle) != 0 // order: a note [H1]
            && (PageRuns<TAtomics, TGeometry>.PagesOf(&region.Area->Runs, (int)region.Index, out var first) == 0 || first == (int)region.Index);
    }

    /// <summary>Pages below which kept runs may start: none where none is kept.</summary>
    private static ulong EndOfKept(RegionArea* area) =>
        TAtomics.LoadAcquire(&area->Kept, Site.HeapFigures) == 0 ? 0 : TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: a hint [H1]

    /// <summary>Pages below the frontier were part of a run once: what lookups may find.</summary>
    private static void Raise(RegionArea* area, ulong end)
    {
        for (; ; )
        {
            var now = TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: acquire [Q1]
            if (now >= end || TAtomics.CompareExchangeAcqRel(&area->Frontier, now, end, Site.RegionFrontier)) // order: before the address is handed out; who is ahead stays ahead [Q1]
                return;
        }
    }
}
