using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of region slots: owner and thief, the idle mark, and who has the duty to offer.</summary>
internal static unsafe class RegionSlotMutants
{
    private const ulong Claimed = 1;

    public static IEnumerable<ProtocolMutant> All() => [.. Claims(), .. Marks()];

    private static IEnumerable<ProtocolMutant> Claims()
    {
        yield return new("slots/no-fence", "no process-wide fence stands behind a claim of slots", LeaveOut(Site.RegionSlotsFence, 0), Site.RegionSlotsFence);
        yield return new("slots/fence-of-one-thread", "the thief alone passes a fence", OwnFence, Site.RegionSlotsFence);
        yield return new("slots/fence-before-claim", "the process-wide fence comes before the claim of slots", FenceFirst, Site.RegionSlotsClaim, Site.RegionSlotsFence);
        yield return new("slots/look-before-enter", "the owner looks for a claim before it says that it is inside", LookFirst, Site.RegionOwnerEnter);
        yield return new("slots/enter-not-said", "the owner does not say that it is inside", LeaveOut(Site.RegionOwnerEnter, 0), Site.RegionOwnerEnter);
        yield return new("slots/owner-does-not-look", "the owner uses its slots whatever the claim says", LeaveOut(Site.RegionOwnerLook, 0), Site.RegionOwnerLook);
        yield return new("slots/inside-ignored", "the thief takes out of slots whose owner is inside", InsideIgnored, Site.RegionSlotsFence);
        yield return new("slots/leave-before-last-write", "the owner says that it is out before its last write of a slot", LeaveFirst(Site.RegionOwnerEnter, Site.RegionOwnerLeave), Site.RegionOwnerLeave);
        yield return new("slots/unclaim-before-last-write", "the thief ends its claim before it empties the slot", LeaveFirst(Site.RegionSlotsFence, Site.RegionSlotsUnclaim), Site.RegionSlotsUnclaim);
        yield return new("slots/claim-by-store", "a thief does not ask whether it was first", AsStore(Site.RegionSlotsClaim), Site.RegionSlotsClaim);
        yield return new("slots/claim-not-ended", "a thief forgets to end its claim", LeaveOut(Site.RegionSlotsUnclaim, 0), Site.RegionSlotsUnclaim);
        yield return new("slots/owner-stays", "the owner forgets to say that it is out", LeaveOut(Site.RegionOwnerLeave, 0), Site.RegionOwnerLeave);
        yield return new("slots/keep-drops-when-claimed", "an owner that finds its slots claimed does not offer the region that it frees", DropWhenClaimed, Site.RegionOwnerLook);
    }

    private static IEnumerable<ProtocolMutant> Marks()
    {
        yield return new("slots/take-leaves-the-slot", "who takes a region out of a slot leaves it there too", LeaveOut(Site.RegionSlotTake, 0), Site.RegionSlotTake);
        yield return new("slots/kept-over", "a region is kept over the one that lay in the slot", KeepOver, Site.RegionSlotPut);
        yield return new("slots/mark-by-load-and-store", "of two frees at the checked level both mark the region idle", SplitMark, Site.RegionIdle);
        yield return new("slots/mark-not-looked-at", "a free does not ask whether the region is idle", BlindFree, Site.RegionIdle);
        yield return new("slots/kept-before-marked", "a region is in the slot before its idle mark is set", PutOff(Site.RegionIdle, Site.RegionSlotPut, when: IsMark), Site.RegionIdle);
        yield return new("slots/mark-cleared-by-offer", "the idle mark is cleared before the word says that the region is free", ClearAtOffer(isBefore: true), Site.RegionFree);
        yield return new("slots/mark-cleared-after-offer", "the idle mark is cleared when others may have the region", ClearAtOffer(isBefore: false), Site.RegionFree);
        yield return new("slots/mark-not-cleared", "a region is handed out with its idle mark set", NotCleared, Site.RegionIdle);
        yield return new("slots/mark-cleared-after-hand-out", "the idle mark is cleared behind the word that makes the region a user's", PutOff(Site.RegionIdle, Site.RegionHandOut, when: IsClear), Site.RegionIdle)
        {
            Why = "nobody has the address before the hand-out returns; who counts meanwhile counts the region as free a moment longer",
        };
        yield return new("slots/hold-ignores-the-purger", "who takes a region out of a slot takes hold of it beside the one who purges its tail", HoldOver, Site.RegionFree);
    }

    private static bool IsMark(SeamOperation operation) => operation.Rmw != RmwKind.None || operation is { Kind: EventKind.Write, Low: 1 };

    private static bool IsClear(SeamOperation operation) => operation is { Kind: EventKind.Write, Rmw: RmwKind.None, Low: 0 };

    private static SeamResult? OwnFence(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionSlotsFence ? memory.Perform(operation with { Order = MemoryOrder.SeqCst }) : null;

    private static SeamResult? FenceFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RegionSlotsFence)
            return Pretend(0);
        if (operation.Site == Site.RegionSlotsClaim)
            memory.Perform(new SeamOperation { Kind = EventKind.Fence, Order = MemoryOrder.ProcessWide, Site = Site.RegionSlotsFence });
        return null;
    }

    private static SeamResult? LookFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RegionOwnerEnter)
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.RegionOwnerLook || state.Deferred.Count == 0)
            return null;
        var seen = memory.Perform(operation);
        Catch(memory, state);
        return seen;
    }

    private static SeamResult? InsideIgnored(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionOwnerState && state.Last == Site.RegionSlotsFence ? Pretend(0, wrote: false) : null;

    /// <summary>Writes of slots between the two sites come after the second.</summary>
    private static MutantStep LeaveFirst(Site begin, Site end) =>
        (ModelMemory memory, MutantState state, in SeamOperation operation) =>
        {
            if (operation.Site == begin)
                state.Flag = true;
            if (state.Flag && operation.Site is Site.RegionSlotPut or Site.RegionSlotTake)
            {
                state.Deferred.Add(operation);
                return Pretend(0);
            }

            if (!state.Flag || operation.Site != end)
                return null;
            state.Flag = false;
            var left = memory.Perform(operation);
            Catch(memory, state);
            return left;
        };

    /// <summary>The offer that follows a refused entry, its word and its leaf, is forgotten.</summary>
    private static SeamResult? DropWhenClaimed(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.RegionOwnerLook:
                var seen = memory.Perform(operation);
                state.Flag = seen.Low != 0;
                return seen;
            case Site.RegionFree when state.Flag:
                return Pretend(operation.Low);
            case Site.TreeSetLeaf when state.Flag:
                return Pretend(ulong.MaxValue);
            case Site.RegionOwnerLeave or Site.HeapFigures or Site.RegionLoad:
                return null;
            default:
                state.Flag = false;
                return null;
        }
    }

    /// <summary>The owner's look inside finds nothing.</summary>
    private static SeamResult? KeepOver(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionSlotLook && state.Last == Site.RegionOwnerLook ? Pretend(0, wrote: false) : null;

    private static SeamResult? SplitMark(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionIdle && operation.Rmw != RmwKind.None ? memory.PerformSplit(operation) : null;

    private static SeamResult? BlindFree(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionIdle && operation is { Kind: EventKind.Read, Rmw: RmwKind.None } ? Pretend(0, wrote: false) : null;

    private static SeamResult? NotCleared(ModelMemory memory, MutantState state, in SeamOperation operation) => operation.Site == Site.RegionIdle && IsClear(operation) ? Pretend(0) : null;

    /// <summary>The mark of the region whose word is about to change, or has changed, is cleared.</summary>
    private static MutantStep ClearAtOffer(bool isBefore) =>
        (ModelMemory memory, MutantState state, in SeamOperation operation) =>
        {
            if (operation.Site != Site.RegionFree)
                return null;
            var mark = new SeamOperation
            {
                Kind = EventKind.Write,
                Order = MemoryOrder.Release,
                Location = memory.Locate((ulong*)memory.AddressOf(operation.Location) + 1),
                Site = Site.RegionIdle,
            };
            if (isBefore)
                memory.Perform(mark);
            var result = memory.Perform(operation);
            if (!isBefore && result.Wrote)
                memory.Perform(mark);
            return result;
        };

    /// <summary>A hold that somebody has is not seen behind a slot, and goes on in the new word.</summary>
    private static SeamResult? HoldOver(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RegionLoad && state.Last is Site.RegionOwnerLeave or Site.RegionSlotsUnclaim)
        {
            var word = memory.Perform(operation);
            state.Flag = (word.Low & Claimed) != 0;
            return word with { Low = word.Low & ~Claimed };
        }

        if (operation.Site != Site.RegionFree || !state.Flag)
            return null;
        state.Flag = false;
        return memory.Perform(operation with { Low = operation.Low | Claimed });
    }
}
