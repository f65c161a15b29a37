using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of runs of pages.</summary>
internal static class PageRunMutants
{
    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("runs/forgets-to-give-back", "what was claimed in vain stays claimed", LeaveOut(Site.RunUnclaim, 0), Site.RunUnclaim);
        yield return new("runs/claim-not-examined", "a claim takes the pages whatever the word was", NotExamined, Site.RunClaim);
        yield return new("runs/gives-back-all-it-wanted", "who loses a word gives back what it wanted there, the winner's pages too", GivesBackAll, Site.RunUnclaim);
        yield return new("runs/bits-before-descriptor", "a give clears the bits before it takes the run out", BitsFirst, Site.RunTakeOut);
        yield return new("runs/look-takes-out", "a give looks at the run, clears the bits and then takes out whatever stands there", LookTakesOut, Site.RunTakeOut);
        yield return new("runs/resize-by-store", "an owner that grows or shrinks does not ask whether its run was given", AsStore(Site.RunResize), Site.RunResize);
        yield return new("runs/shrink-bits-first", "a shrink clears the bits before the run says that it is shorter", ShrinkBitsFirst, Site.RunResize);
        yield return new("runs/never-published", "a take forgets the descriptor", LeaveOut(Site.RunPublish, 0), Site.RunPublish);
    }

    private static SeamResult? NotExamined(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.RunClaim)
            return null;
        memory.Perform(operation);
        return Pretend(0);
    }

    private static SeamResult? GivesBackAll(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RunClaim)
            state.Held = operation.Low;
        return operation.Site == Site.RunUnclaim && state.Last == Site.RunClaim ? memory.Perform(operation with { Low = ~state.Held }) : null;
    }

    private static SeamResult? BitsFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.RunTakeOut)
            return operation.Site == Site.RunClear && state.Deferred.Count != 0 ? DoThenCatch(memory, state, operation) : null;
        var seen = memory.Perform(LoadOf(operation));
        if ((seen.Low & RunChunk.PagesMask) != 0)
            state.Deferred.Add(operation);
        return seen;
    }

    private static SeamResult? LookTakesOut(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.RunTakeOut)
            return null;
        var seen = memory.Perform(LoadOf(operation));
        memory.Perform(operation);
        return seen;
    }

    private static SeamResult? ShrinkBitsFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RunResize && operation.DesiredLow < operation.Low)
        {
            state.Deferred.Add(operation);
            return Pretend(operation.Low);
        }

        return operation.Site == Site.RunClear && state.Deferred.Count != 0 ? DoThenCatch(memory, state, operation) : null;
    }

    private static SeamOperation LoadOf(in SeamOperation operation) => operation with { Kind = EventKind.Read, Rmw = RmwKind.None, Order = MemoryOrder.Acquire };

    private static SeamResult DoThenCatch(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        var result = memory.Perform(operation);
        Catch(memory, state);
        return result;
    }
}
