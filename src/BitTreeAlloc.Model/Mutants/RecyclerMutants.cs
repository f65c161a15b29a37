using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of the recycler.</summary>
internal static class RecyclerMutants
{
    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("recycler/no-generation-on-pop", "a pop leaves the generation as it is", Step(pop: 0, takeAll: 1, push: 0), Site.StackPop);
        yield return new("recycler/no-generation-on-take-all", "a take-all leaves the generation as it is", Step(pop: 1, takeAll: 0, push: 0), Site.StackTakeAll);
        yield return new("recycler/no-generation", "the generation never moves", Step(pop: 0, takeAll: 0, push: 0), Site.StackPop, Site.StackTakeAll);
        yield return new("recycler/generation-falls-back", "the generation is one bit", OneBit, Site.StackPop, Site.StackTakeAll);
        yield return new("recycler/generation-on-push-only", "a push moves the generation, a pop does not", Step(pop: 0, takeAll: 0, push: 1), Site.StackPop, Site.StackTakeAll)
        {
            Why = "a head that was seen comes back only through a push of its node, and that push moves the generation",
        };
        yield return new("recycler/generation-on-push-too", "a push moves the generation as well", Step(pop: 1, takeAll: 1, push: 1), Site.StackPush)
        {
            Why = "a generation that moves more often distinguishes no less",
        };
        yield return new("recycler/half-reads-swapped", "the pointer is read before the generation", SwapHalves, Site.StackLoadGeneration);
        yield return new("recycler/compares-pointer-only", "a pop takes whatever generation stands there", PointerOnly, Site.StackPop);
        yield return new("recycler/depth-not-read", "a push takes the stack for empty when it counts", LeaveOut(Site.StackLoadDepth, 0), Site.StackLoadDepth);
        yield return new("recycler/link-after-publish", "a push writes the link after the head", PutOff(Site.StackStoreLink, Site.StackPush), Site.StackStoreLink);
        yield return new("recycler/depth-after-publish", "a push writes the depth after the head", PutOff(Site.StackStoreDepth, Site.StackPush), Site.StackStoreDepth);
        yield return new("recycler/take-all-as-store", "a take-all stores an empty head", AsStore(Site.StackTakeAll), Site.StackTakeAll);
        yield return new("recycler/pop-as-store", "a pop stores the next node", AsStore(Site.StackPop), Site.StackPop);
        yield return new("recycler/push-as-store", "a push stores its node", AsStore(Site.StackPush), Site.StackPush);
        yield return new("recycler/take-all-drops-tail", "a take-all keeps the first node alone", LeaveOut(Site.StackWalk, 0), Site.StackWalk);
        yield return new("recycler/gives-up-when-beaten", "a pop that loses answers empty", GiveUp, Site.StackPop);
    }

    private static MutantStep Step(int pop, int takeAll, int push) =>
        (ModelMemory memory, MutantState _, in SeamOperation operation) => operation.Site switch
        {
            Site.StackPop when pop != 1 => memory.Perform(Move(memory, operation, pop - 1)),
            Site.StackTakeAll when takeAll != 1 => memory.Perform(Move(memory, operation, takeAll - 1)),
            Site.StackPush when push != 0 => memory.Perform(Move(memory, operation, push)),
            _ => null,
        };

    private static SeamOperation Move(ModelMemory memory, in SeamOperation operation, long by) => memory.CellAt(operation.Location).IsWide
        ? operation with { DesiredHigh = operation.DesiredHigh + (ulong)by }
        : operation with { DesiredLow = operation.DesiredLow + ((ulong)by << 32) };

    private static SeamResult? OneBit(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site is not (Site.StackPop or Site.StackTakeAll) ? null
        : memory.Perform(memory.CellAt(operation.Location).IsWide
            ? operation with { DesiredHigh = operation.DesiredHigh & 1 }
            : operation with { DesiredLow = operation.DesiredLow & 0x1_FFFF_FFFF });

    private static SeamResult? SwapHalves(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.StackLoadGeneration:
                state.Held = memory.Perform(operation with { Half = 0 }).Low;
                return null;
            case Site.StackLoadPointer:
                return Pretend(state.Held, wrote: false);
            default:
                return null;
        }
    }

    private static SeamResult? PointerOnly(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.StackPop)
            return null;
        var load = operation with { Kind = EventKind.Read, Rmw = RmwKind.None, Order = MemoryOrder.Acquire };
        if (memory.CellAt(operation.Location).IsWide)
        {
            var generation = memory.Perform(load with { Half = 1 }).Low;
            return memory.Perform(operation with { High = generation, DesiredHigh = generation + 1 });
        }

        var now = memory.Perform(load).Low;
        return (uint)now != (uint)operation.Low ? Pretend(now, wrote: false)
            : memory.Perform(operation with { Low = now, DesiredLow = (uint)operation.DesiredLow | (((now >> 32) + 1) << 32) });
    }

    private static SeamResult? GiveUp(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site is Site.StackLoadGeneration or Site.StackLoadHead)
            state.Flag = state.Last == Site.StackPop && !state.LastWrote;
        if (!state.Flag || operation.Site is not (Site.StackLoadPointer or Site.StackLoadHead))
            return null;
        state.Flag = false;
        return Pretend(0, wrote: false);
    }
}
