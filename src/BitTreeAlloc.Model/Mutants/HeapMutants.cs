using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of trim, watermarks, cache records, direct mappings and the purge policy.</summary>
internal static class HeapMutants
{
    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("trim/re-arm-by-store", "the owner arms a limit by a store", AsStore(Site.LimitArm), Site.LimitArm);
        yield return new("trim/signal-by-store", "a trimmer signals by a store: of two, one hides the other's generation", AsStore(Site.LimitSignal), Site.LimitSignal);
        yield return new("trim/signal-before-generation", "the generation is raised after the signals", SignalFirst, Site.GenerationRaise);
        yield return new("trim/no-look-at-leave", "a slow path does not look at the generation again when it ends", NoLookAtLeave, Site.LimitArm);
        yield return new("trim/generation-by-store", "a trimmer stores the generation that it saw, and one", GenerationByStore, Site.GenerationRaise);
        yield return new("watermark/mark-before-commit", "the mark is raised before the pages are committed", PutOff(Site.None, Site.WatermarkRaise, when: operation => operation.Rmw == RmwKind.Or), Site.WatermarkRaise);
        yield return new("watermark/mark-goes-back", "the mark is stored, not raised", AsStore(Site.WatermarkRaise), Site.WatermarkRaise);
        yield return new("registry/pushed-before-unowned", "a record is on the free stack before it says it is free", PutOff(Site.RecordState, Site.StackPush, when: operation => operation.Low == 0), Site.RecordState);
        yield return new("registry/birth-by-store", "two births may get the same record", AsStore(Site.RecordFrontier), Site.RecordFrontier);
        yield return new("magazines/birth-by-store", "two births may get the same magazine", AsStore(Site.MagazineFrontier), Site.MagazineFrontier);
        yield return new("direct/free-by-load", "a free looks at the size and does not take it", FreeByLoad, Site.DirectUnregister);
        yield return new("direct/leaf-by-store", "a table leaf is published over another", AsStore(Site.DirectLeafPublish), Site.DirectLeafPublish);
        yield return new("direct/loser-keeps-its-leaf", "who loses the race for a leaf goes on with its own", LoserKeeps, Site.DirectLeafPublish);
        yield return new("policy/step-by-store", "two threads sweep for one step of growth", AsStore(Site.SweeperEnter), Site.SweeperEnter);
        yield return new("limit/charge-after-commit", "a birth is charged only when it has advanced the frontier: it is granted whatever the limit says", PutOff(Site.ChargeTake, Site.FrontierAdvance), Site.ChargeTake);
        yield return new("limit/lost-undo", "a charge taken in vain is not undone", LeaveOut(Site.ChargeUndo, 0), Site.ChargeUndo);
        yield return new("limit/lost-return", "a purge does not return the charge", LeaveOut(Site.ChargeReturn, 0), Site.ChargeReturn);
        yield return new("limit/return-before-purge", "the charge is returned before the pages have gone", PutOff(Site.None, Site.ChargeReturn, when: operation => operation.Kind == EventKind.Write && operation.Rmw == RmwKind.None && operation.Low == 0), Site.ChargeReturn);
        yield return new("limit/look-decides", "a birth that fits at a look is granted, whatever the add returns", LookDecides, Site.ChargeTake);
    }

    private static SeamResult? SignalFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.GenerationRaise)
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.LimitSignal || ++state.Count != SizeClasses.Last)
            return null;
        var result = memory.Perform(operation);
        Catch(memory, state);
        return result;
    }

    private static SeamResult? NoLookAtLeave(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.BusyEnter:
                state.Flag = false;
                return null;
            case Site.LimitArm:
                state.Flag = true;
                return null;
            case Site.GenerationLoad when state.Flag:
                return Pretend(state.Held, wrote: false);
            case Site.GenerationLoad:
                var seen = memory.Perform(operation);
                state.Held = seen.Low;
                return seen;
            default:
                return null;
        }
    }

    private static SeamResult? GenerationByStore(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.GenerationRaise ? memory.PerformSplit(operation) : null;

    private static SeamResult? LookDecides(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.ChargeTake)
            return null;
        memory.Perform(operation);
        return Pretend(0);
    }

    private static SeamResult? FreeByLoad(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.DirectUnregister
            ? memory.Perform(operation with { Kind = EventKind.Read, Rmw = RmwKind.None, Order = MemoryOrder.Acquire })
            : null;

    private static SeamResult? LoserKeeps(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.DirectLeafPublish)
        {
            var result = memory.Perform(operation);
            (state.Flag, state.Held) = (!result.Wrote, operation.DesiredLow);
            return result;
        }

        if (operation.Site != Site.DirectLeafLoad || !state.Flag)
            return null;
        state.Flag = false;
        return Pretend(state.Held, wrote: false);
    }
}
