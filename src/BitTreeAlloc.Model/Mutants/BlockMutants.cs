using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of block words, births and purges.</summary>
internal static class BlockMutants
{
    private const ulong Claimed = 1;

    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("blocks/count-before-bits", "a give counts before it sets the bits", PutOff(Site.BitmapGive, Site.BlockCount), Site.BitmapGive);
        yield return new("blocks/load-and-give-up", "a claim that finds the block held goes away without a write", LeaveOut(Site.BlockConfirm, 0), Site.BlockConfirm);
        yield return new("blocks/birth-load-and-give-up", "a birth that finds the block held goes away without a write", LeaveOut(Site.BirthConfirm, 0), Site.BirthConfirm)
        {
            Why = EquivalentWeakenings.Why(Site.BirthConfirm, WeakeningKind.Dropped),
        };
        yield return new("blocks/claim-after-count", "the last give counts first and takes hold in a second step", ClaimAfterCount, Site.BlockCount);
        yield return new("blocks/release-from-local-bits", "a release judges by what it saw at the claim", LocalRelease, Site.BlockRelease);
        yield return new("blocks/release-as-store", "a release stores its own count", AsStore(Site.BlockRelease), Site.BlockRelease);
        yield return new("blocks/count-as-store", "a give stores its own count", AsStore(Site.BlockCount), Site.BlockCount);
        yield return new("blocks/claim-as-store", "a claim does not ask whether it was first", AsStore(Site.BlockClaim), Site.BlockClaim);
        yield return new("blocks/take-as-store", "a take empties the bitmap word", TakeAsStore, Site.BitmapTake);
        yield return new("blocks/release-forgets-leaf", "a holder lets go of an available block and does not offer it", ForgetPeek, Site.BlockRelease);
        yield return new("blocks/give-forgets-leaf", "a give makes a block available and does not offer it", ForgetGive, Site.BlockCount);
        yield return new("blocks/empty-forgets-leaf", "an emptied block is not offered", ForgetSetAfter(Site.BlockEmpty), Site.BlockEmpty);
        yield return new("blocks/purge-forgets-leaf", "a purged block is not offered", ForgetSetAfter(Site.SweepRelease), Site.SweepRelease);
        yield return new("blocks/leaf-before-empty", "an emptied block is offered before its word says so", PutOff(Site.BlockEmpty, Site.TreeSetLeaf), Site.BlockEmpty);
        yield return new("blocks/leaf-before-purge-release", "a purged block is offered before its word says so", PutOff(Site.SweepRelease, Site.TreeSetLeaf), Site.SweepRelease);
        yield return new("blocks/clear-after-offer", "the bits of an emptied block are cleared after it is offered", PutOff(Site.BitmapClear, Site.TreeSetLeaf), Site.BitmapClear);
        yield return new("blocks/purge-without-hold", "a sweep purges what it only looked at", LeaveOut(Site.SweepClaim, 0), Site.SweepClaim);
        yield return new("blocks/purge-live-pages", "a sweep takes every page of a held block for free", PurgeLive, Site.SweepClaim);
        yield return new("blocks/purge-after-offer", "pages are purged after the block is offered", PurgeLate, Site.SweepClaim);
        yield return new("blocks/birth-without-hold", "a birth does not write its claim", BirthWithoutHold, Site.BirthClaim);
        yield return new("blocks/frontier-as-store", "two births may get the same block", AsStore(Site.FrontierAdvance), Site.FrontierAdvance);
    }

    /// <summary>The look at the leaf after a release always finds it set.</summary>
    private static SeamResult? ForgetPeek(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.TreePeekLeaf && state is { Last: Site.BlockRelease, LastWrote: true } ? Pretend(ulong.MaxValue) : null;

    private static SeamResult? ClaimAfterCount(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.BlockCount || (operation.DesiredLow & ~operation.Low & Claimed) == 0)
            return null;
        var counted = memory.Perform(operation with { DesiredLow = operation.DesiredLow & ~Claimed });
        if (counted.Wrote)
            memory.Perform(operation with { Rmw = RmwKind.Or, Low = Claimed });
        return counted;
    }

    private static SeamResult? LocalRelease(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.BlockClaim or Site.BirthClaim:
                var claim = memory.Perform(operation);
                (state.Flag, state.Held) = (claim.Wrote, operation.DesiredLow);
                return claim;
            case Site.BlockLoad when state.Flag:
                return Pretend(state.Held, wrote: false);
            case Site.BlockRelease when state.Flag:
                state.Flag = false;
                memory.Perform(operation with { Rmw = RmwKind.Add, Low = operation.DesiredLow - operation.Low });
                return Pretend(operation.Low);
            default:
                return null;
        }
    }

    private static SeamResult? TakeAsStore(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.BitmapLoad)
        {
            var seen = memory.Perform(operation);
            state.Held = seen.Low;
            return seen;
        }

        return operation.Site != Site.BitmapTake ? null
            : memory.Perform(operation with { Kind = EventKind.Write, Rmw = RmwKind.None, Order = MemoryOrder.Release, Low = state.Held & operation.Low });
    }

    /// <summary>The look at the leaf after a count answers "set", and a set after it is forgotten.</summary>
    private static SeamResult? ForgetGive(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.TreePeekLeaf)
            return Pretend(ulong.MaxValue, wrote: false);
        if (operation.Site == Site.TreeSetLeaf)
            state.Flag = state.Last == Site.BlockCount && state.LastWrote;
        else if (operation.Site != Site.TreeHelpParent)
            state.Flag = false;
        return state.Flag ? Pretend(ulong.MaxValue) : null;
    }

    private static SeamResult? PurgeLive(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.SweepClaim)
            state.Flag = true;
        return state.Flag && operation.Site == Site.BitmapLoad ? Pretend(ulong.MaxValue, wrote: false) : null;
    }

    private static SeamResult? PurgeLate(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.SweepClaim)
            state.Flag = true;
        if (state.Flag && operation is { Site: Site.None, Kind: EventKind.Write, Order: MemoryOrder.Plain })
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.TreeSetLeaf || !state.Flag)
            return null;
        var result = memory.Perform(operation);
        Catch(memory, state);
        return result;
    }

    private static SeamResult? BirthWithoutHold(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.BirthClaim ? memory.Perform(operation with { DesiredLow = operation.DesiredLow & ~Claimed }) : null;
}
