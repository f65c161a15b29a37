using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: memory made ready before it is asked for: blocks of a class, or regions, committed up to a number, and populated where that is wanted. What is there counts: a number below does nothing.
/// Invariants: I-V1 what is made ready is free and on offer, to anybody; a refusal keeps what was reached. Callers: the Api, holding nothing. Checked by: plans on a system with bounded capacity.
/// </summary>
internal static unsafe class Reservations<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Units that one call populates: 32 MiB, some ten milliseconds.</summary>
    private const ulong StepUnits = 16;

    /// <summary>
    /// Makes slots or regions for <paramref name="size"/> bytes ready until there are <paramref name="count"/>, used ones included. <paramref name="populate"/>: with their pages. Ends early where
    /// <paramref name="stop"/> is not 0. Returns how many there are.
    /// </summary>
    public static long Reserve(Heap* heap, ulong size, long count, bool populate, ulong* stop, out Outcome outcome)
    {
        var sizeClass = SizeClasses.ClassOf((nuint)size);
        return sizeClass != SizeClasses.None ? ReserveBlocks(heap, sizeClass, count, populate, stop, out outcome) : ReserveRegions(heap, size, count, populate, stop, out outcome);
    }

    private static bool IsStopped(ulong* stop) => stop != null && TAtomics.LoadAcquire(stop, Site.HeapFigures) != 0; // order: a flag [H1]

    private static long ReserveBlocks(Heap* heap, int sizeClass, long count, bool populate, ulong* stop, out Outcome outcome)
    {
        var info = heap->Classes + sizeClass;
        var reached = 0L;
        outcome = Outcome.Ok;
        BlockRef block;
        BlockWord held;
        for (var number = 0; Placement<TAtomics>.StretchAt(heap, number) is var stretch && stretch != null; number++)
        {
            block.Space = Placement<TAtomics>.SpaceOf(stretch, info->Kind);
            var end = block.Space == null ? 0 : TAtomics.LoadAcquire(&block.Space->Frontier, Site.FrontierLoad); // order: acquire [S2]
            for (block.Index = 0; block.Index < end && reached < count && !IsStopped(stop); block.Index++)
            {
                var word = new BlockWord(TAtomics.LoadAcquire(block.Space->Words + block.Index, Site.BlockLoad)); // order: acquire; a look [B1]
                if (word.Phase != BlockPhase.InUse || word.Class != sizeClass)
                    continue;
                reached += info->Capacity;
                if (populate && TryHold(block, sizeClass, word))
                    LetGo(heap, block, *info, populate);
            }
        }

        while (reached < count && !IsStopped(stop))
        {
            if (!Births<TAtomics, TGeometry>.TryEmpty(heap, sizeClass, out block, out held))
                outcome = Births<TAtomics, TGeometry>.TryFresh(heap, sizeClass, out block, out held);
            if (outcome != Outcome.Ok)
                return reached;
            LetGo(heap, block, *info, populate);
            reached += info->Capacity;
        }

        return reached;
    }

    /// <summary>Takes hold of a block of the class that was just seen, also of one with no slot to give: its free slots lie in caches, and are as untouched as others.</summary>
    private static bool TryHold(BlockRef block, int sizeClass, BlockWord word) =>
        word.CanClaimFor(sizeClass) && TAtomics.CompareExchangeAcqRel(block.Space->Words + block.Index, word.Raw, word.Claim().Raw, Site.BlockClaim); // order: as Blocks.TryClaim [B1]

    /// <summary>Lets a held block go, with its pages where they are wanted: a block that could not be populated is ready all the same.</summary>
    private static void LetGo(Heap* heap, BlockRef block, in ClassInfo info, bool populate)
    {
        var start = Blocks<TAtomics, TGeometry>.FirstSlot(block.Space, block.Index);
        if (populate && HeapOs<TAtomics>.Advise(heap, (void*)start, 1ul << block.Space->BlockShift, VmAdvice.Populate) == VmStatus.Ok)
        {
            var all = ulong.MaxValue >> (64 - (1 << (block.Space->BlockShift - block.Space->ResidentShift)));
            var before = TAtomics.ReadPlain(block.Space->Resident + block.Index, Site.ResidentRead);
            TAtomics.WritePlain(block.Space->Resident + block.Index, all, Site.ResidentWrite);
            var more = (ulong)System.Numerics.BitOperations.PopCount(all & ~before) << block.Space->ResidentShift;
            TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, more, Site.HeapFigures); // order: a figure [H1]
        }

        Blocks<TAtomics, TGeometry>.Release(block.Space, block.Index, info, 0, 0);
    }

    private static long ReserveRegions(Heap* heap, ulong size, long count, bool populate, ulong* stop, out Outcome outcome)
    {
        if (ExactRegions<TAtomics, TGeometry>.Serves(heap, size, 1))
            return ReserveRuns(heap, RegionClasses.UnitsOf(size), count, populate, stop, out outcome);
        var regionClass = RegionClasses.ClassOf(size);
        var units = RegionClasses.UnitsOf(size);
        var reached = 0L;
        outcome = Outcome.Ok;
        RegionRef region;

        // What caches keep at hand is handed out first: with its pages it can be had only from there.
        if (populate)
            RegionSlots<TAtomics, TGeometry>.OfferAll(heap);
        for (var area = RegionAreas<TAtomics, TGeometry>.First(heap, regionClass); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            region.Area = area;
            var end = TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: acquire [Q1]
            for (region.Index = 0; region.Index < end && reached < count && outcome == Outcome.Ok && !IsStopped(stop); region.Index++)
            {
                var word = new RegionWord(TAtomics.LoadAcquire(region.Word, Site.RegionLoad)); // order: acquire; a look [Q1]
                var isReady = word.Committed >= units;
                var isFree = word.IsOffered(RegionPhase.Clean) || word.IsOffered(RegionPhase.Dirty);
                if (isFree && (!isReady || populate) && Regions<TAtomics, TGeometry>.TryClaim(region, word.Phase, out var held))
                    isReady = TryReady(heap, region, held, units, populate, stop, out outcome);
                reached += isReady ? 1 : 0;
            }
        }

        while (reached < count && outcome == Outcome.Ok && !IsStopped(stop))
        {
            // What lies free was counted above: only what was never handed out is more.
            outcome = Regions<TAtomics, TGeometry>.TryBirth(heap, regionClass, mayBeHidden: false, out region);
            if (outcome == Outcome.Ok && TryReady(heap, region, new RegionWord(0).Claim(), units, populate, stop, out outcome))
                reached++;
        }

        return reached;
    }

    /// <summary>Runs of the exact mode: made ready is kept, with its charge, whether populated or not.</summary>
    private static long ReserveRuns(Heap* heap, ulong units, long count, bool populate, ulong* stop, out Outcome outcome)
    {
        var reached = 0L;
        outcome = Outcome.Ok;
        RegionWord held;
        for (var area = ExactRegions<TAtomics, TGeometry>.First(heap); area != null; area = RegionAreas<TAtomics, TGeometry>.Next(area))
        {
            var at = new RegionRef { Area = area };
            var end = TAtomics.LoadAcquire(&area->Frontier, Site.RegionFrontier); // order: acquire [Q1]
            for (; at.Index < end && reached < count && !IsStopped(stop); at.Index++)
            {
                var word = new RegionWord(TAtomics.LoadAcquire(at.Word, Site.RegionLoad)); // order: acquire; a look [Q1]
                if (word.Phase == RegionPhase.Clean || word.Touched != units)
                    continue;
                reached++;
                if (!populate || word.Phase == RegionPhase.InUse || !ExactRegions<TAtomics, TGeometry>.TryHold(at, out held))
                    continue;
                Populate(heap, at.Start, units, stop);
                ExactRegions<TAtomics, TGeometry>.Keep(at, held);
            }
        }

        while (reached < count && !IsStopped(stop))
        {
            outcome = ExactRegions<TAtomics, TGeometry>.TryTake(heap, units, 1, out var region, out held);
            if (outcome != Outcome.Ok)
                return reached;
            if (populate)
                Populate(heap, region.Start, units, stop);
            ExactRegions<TAtomics, TGeometry>.Keep(region, held.Used(units));
            reached++;
        }

        return reached;
    }

    /// <summary>Commits a held region, populates it where that is wanted, and offers it.</summary>
    private static bool TryReady(Heap* heap, RegionRef region, RegionWord held, ulong units, bool populate, ulong* stop, out Outcome outcome)
    {
        // Its pages come from the pool, and it is too short: left to shorter requests, because the pool may have no more.
        if (held.IsHuge && held.Committed < units)
        {
            outcome = Outcome.Ok;
            Regions<TAtomics, TGeometry>.PutBack(region, held);
            return false;
        }

        // Pages from the pool are resident with their commit: they count as touched from then on.
        var isResident = populate || held.IsHuge || HugePool<TAtomics>.IsWanted(heap);
        var charged = isResident && units > held.Touched ? (units - held.Touched) << RegionWord.UnitShift : 0;
        outcome = Limits<TAtomics>.TryCharge(heap, charged) ? Outcome.Ok : Outcome.LimitReached;
        var more = 0ul;
        if (outcome == Outcome.Ok)
        {
            if (held.Committed < units)
                outcome = Outcomes.From(RegionPages<TAtomics>.Commit(heap, region.Start, ref held, units));
            var resident = outcome != Outcome.Ok ? 0 : held.IsHuge ? units : populate ? Populate(heap, region.Start, units, stop) : 0;
            more = resident > held.Touched ? (resident - held.Touched) << RegionWord.UnitShift : 0;

            // Where the policy began to use the pool meanwhile, this adds what was not charged yet.
            Limits<TAtomics>.Undo(heap, charged - more);
            held = resident == 0 ? held : held.Used(resident).Freed();
        }

        if (more != 0)
            TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, more, Site.HeapFigures); // order: a figure [H1]
        Regions<TAtomics, TGeometry>.PutBack(region, held);
        return outcome == Outcome.Ok;
    }

    /// <summary>Populates the first units of a region, in steps, so that it can be stopped. Returns the units that may have pages now: of a step that failed some may.</summary>
    private static ulong Populate(Heap* heap, ulong start, ulong units, ulong* stop)
    {
        var at = 0ul;
        while (at < units && !IsStopped(stop))
        {
            var step = Math.Min(StepUnits, units - at);
            var status = HeapOs<TAtomics>.Advise(heap, (void*)(start + (at << RegionWord.UnitShift)), step << RegionWord.UnitShift, VmAdvice.Populate);
            at += status == VmStatus.Sealed ? 0 : step;
            if (status != VmStatus.Ok)
                return at;
        }

        return at;
    }
}
