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
                if (populate && Blocks<TAtomics, TGeometry>.TryClaimUnpicked(block.Space, block.Index, sizeClass, info->Capacity, out held))
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
        var regionClass = RegionClasses.ClassOf(size);
        var units = RegionClasses.UnitsOf(size);
        var reached = 0L;
        outcome = Outcome.Ok;
        RegionRef region;
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
                    isReady = TryReady(heap, region, held, units, populate, out outcome);
                reached += isReady ? 1 : 0;
            }
        }

        while (reached < count && outcome == Outcome.Ok && !IsStopped(stop))
        {
            // Not one on offer: those were counted, and most of them were put there by this call.
            outcome = Regions<TAtomics, TGeometry>.TryBirth(heap, regionClass, mayBeHidden: false, out region);
            if (outcome == Outcome.Ok && TryReady(heap, region, new RegionWord(0).Claim(), units, populate, out outcome))
                reached++;
        }

        return reached;
    }

    /// <summary>Commits a held region, populates it where that is wanted, and offers it.</summary>
    private static bool TryReady(Heap* heap, RegionRef region, RegionWord held, ulong units, bool populate, out Outcome outcome)
    {
        // Its pages come from the pool, and it is too short: left to shorter requests, because the pool may have no more.
        if (held.IsHuge && held.Committed < units)
        {
            outcome = Outcome.Ok;
            Regions<TAtomics, TGeometry>.PutBack(region, held);
            return false;
        }

        // Pages from the pool are resident with their commit: they count as touched from then on.
        var isResident = populate || HugePool<TAtomics>.IsWanted(heap);
        var more = isResident && units > held.Touched ? (units - held.Touched) << RegionWord.UnitShift : 0;
        outcome = Limits<TAtomics>.TryCharge(heap, more) ? Outcome.Ok : Outcome.LimitReached;
        if (outcome == Outcome.Ok && held.Committed < units)
            outcome = Outcomes.From(RegionPages<TAtomics>.Commit(heap, region.Start, ref held, units));
        isResident &= outcome == Outcome.Ok && (held.IsHuge || (populate && HeapOs<TAtomics>.Advise(heap, (void*)region.Start, units << RegionWord.UnitShift, VmAdvice.Populate) == VmStatus.Ok));
        if (isResident)
        {
            TAtomics.FetchAddAcqRel(&heap->TouchedLine.Value, more, Site.HeapFigures); // order: a figure [H1]
            held = held.Used(units).Freed();
        }
        else if (outcome != Outcome.LimitReached)
        {
            Limits<TAtomics>.Undo(heap, more);
        }

        Regions<TAtomics, TGeometry>.PutBack(region, held);
        return outcome == Outcome.Ok;
    }
}
