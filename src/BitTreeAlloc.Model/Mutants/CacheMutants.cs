using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of claims, tenures, spares, the cache budget and the gate.</summary>
internal static unsafe class CacheMutants
{
    private const ulong TenureStep = 4;
    private const ulong Closing = 1ul << 63;

    public static IEnumerable<ProtocolMutant> All() => [.. Claims(), .. Tenures(), .. Spares(), .. Budgets(), .. Gates()];

    private static IEnumerable<ProtocolMutant> Claims()
    {
        yield return new("claims/no-fence", "no process-wide fence stands behind a claim", LeaveOut(Site.ClaimFence, 0), Site.ClaimFence);
        yield return new("claims/fence-of-one-thread", "the claimer alone passes a fence", OwnFence, Site.ClaimFence);
        yield return new("claims/fence-before-claim", "the process-wide fence comes before the claim", FenceFirst, Site.ClaimTake, Site.ClaimFence);
        yield return new("claims/look-before-enter", "the owner looks for a claim before it says that it is inside", LookFirst, Site.OwnerEnter);
        yield return new("claims/enter-not-said", "the owner does not say that it is inside", LeaveOut(Site.OwnerEnter, 0), Site.OwnerEnter);
        yield return new("claims/leave-before-last-write", "the owner says that it is out before its last write of the top", LeaveFirst, Site.OwnerLeave);
        yield return new("claims/owner-does-not-look", "the owner goes on whatever the claim word says", BlindOwner, Site.OwnerLook);
        yield return new("claims/inside-ignored", "the claimer empties a cache whose owner is inside", InsideIgnored, Site.ClaimFence);
        yield return new("claims/claim-by-store", "a claimer does not ask whether it was first", AsStore(Site.ClaimTake), Site.ClaimTake);
        yield return new("claims/unclaim-by-store", "a claim is ended by a store: a hand-over is overwritten", AsStore(Site.ClaimEnd), Site.ClaimEnd);
        yield return new("claims/hand-over-by-store", "an owner stores that it left: a claim that has ended is not noticed", AsStore(Site.ClaimHandOver), Site.ClaimHandOver);
        yield return new("claims/hand-over-in-silence", "an owner that finds a claim leaves the record and says nothing", LeaveOut(Site.ClaimHandOver, 0), Site.ClaimHandOver);
        yield return new("claims/abandoned-forgotten", "a claimer to whom a record was handed over does not give it back", Forgotten, Site.ClaimEnd);
        yield return new("claims/released-though-kept", "a claimer gives back a record whose owner goes on", Released, Site.ClaimEnd);
        yield return new("claims/claim-not-ended", "a claimer forgets to end its claim", LeaveOut(Site.ClaimEnd, 0), Site.ClaimEnd);
        yield return new("claims/top-not-reset", "a claimer leaves the top of what it sent home", TopLeft, Site.ClaimTake);
        yield return new("claims/unclaim-before-flush", "a claim is ended before the cache is emptied", UnclaimFirst, Site.ClaimEnd);
        yield return new("decay/forget-by-store", "a tick stores that the owner was out: an owner inside is overwritten", AsStore(Site.OwnerForget), Site.OwnerForget);
    }

    private static IEnumerable<ProtocolMutant> Tenures()
    {
        yield return new("tenure/not-raised", "a record that is given back keeps its tenure", SameTenure, Site.ClaimNext);
        yield return new("tenure/before-state", "the next tenure begins before the state says that nobody owns the record", PutOff(Site.RecordState, Site.ClaimNext, when: operation => operation is { Kind: EventKind.Write, Low: 0 }), Site.ClaimNext);
        yield return new("tenure/state-read-first", "a claimer reads the state before the tenure", StateFirst, Site.ClaimLoad);
        yield return new("tenure/kind-read-first", "a claimer reads whether a cache is ambient before it reads who owns it", KindFirst, Site.RecordKind);
        yield return new("tenure/ended-by-two", "who finds an owner dead does not ask whether it was first", AsStore(Site.ClaimTake), Site.ClaimTake);
        yield return new("tenure/pushed-before-next", "a record is on the free stack before its next tenure begins", PutOff(Site.ClaimNext, Site.StackPush), Site.ClaimNext);
        yield return new("tenure/any-is-ended", "who finds an owner dead ends whatever tenure stands there", AnyTenure, Site.ClaimLoad);
    }

    private static IEnumerable<ProtocolMutant> Spares()
    {
        yield return new("spares/take-by-load-and-store", "a spare is taken in two steps", SplitAt(Site.SpareTake), Site.SpareTake);
        yield return new("spares/take-by-load", "who takes a spare leaves it where it was", AsLoad(Site.SpareTake), Site.SpareTake);
        yield return new("spares/filled-after-put", "the last slot is written after the magazine was put aside", PutOff(Site.MagazineWrite, Site.SparePut), Site.SparePut);
        yield return new("spares/never-found", "the end of a cache forgets what was put aside", LeaveOut(Site.SpareLook, 0), Site.SpareLook);
        yield return new("magazines/slots-not-noted", "a magazine from a stack keeps its link for the slots it may hold", SlotsNotNoted, Site.MagazineSlots);
        yield return new("magazines/slots-not-restored", "a magazine that lost the last place of the recycler keeps a link for the slots it may hold", SlotsNotRestored, Site.StackPush);
        yield return new("pages/purge-keeps-residency", "a purge leaves its pages noted as resident", KeepsResidency, Site.ResidentWrite);
        yield return new("pages/handed-out-unnoted", "a slot is handed out and its page not noted", Unnoted, Site.ResidentWrite);
    }

    private static IEnumerable<ProtocolMutant> Budgets()
    {
        yield return new("budget/grant-by-store", "a grant is taken by a store", AsStore(Site.GrantTake), Site.GrantTake);
        yield return new("budget/grant-by-add", "a grant is added, whatever was granted meanwhile", GrantByAdd, Site.GrantTake);
        yield return new("budget/grant-not-taken", "a grant is used and not noted", LeaveOut(Site.GrantTake, 0), Site.GrantTake);
        yield return new("budget/return-lost", "a grant is not given back", LeaveOut(Site.GrantReturn, 0), Site.GrantReturn);
        yield return new("budget/return-by-load-and-store", "a grant is given back in two steps", SplitAt(Site.GrantReturn), Site.GrantReturn);
        yield return new("relief/grant-without-quiet-claim", "a claimer takes the grant at hand of an owner that is inside", GrantOfOwnerInside, Site.ClaimFence);
        yield return new("relief/sleepers-grant-lost", "a claimer empties the grant at hand of a sleeper and gives it to nobody", SleepersGrantLost, Site.GrantReturn);
        yield return new("relief/sleepers-grant-twice", "a claimer gives back the grant at hand of a sleeper and leaves it there too", SleepersGrantTwice, Site.GrantReturn);
        yield return new("relief/grant-after-claim", "a claimer gives back the grant at hand of a sleeper after it ended its claim", SleepersGrantLate, Site.GrantReturn);
    }

    private static IEnumerable<ProtocolMutant> Gates()
    {
        yield return new("gate/visit-not-counted", "a visitor looks and does not count itself", AsLoad(Site.GateEnter), Site.GateEnter);
        yield return new("gate/close-does-not-wait", "a closer does not wait for visitors", NoWait, Site.GateLook);
        yield return new("gate/close-by-store", "a closer stores over the visits", CloseByStore, Site.GateClose);
        yield return new("gate/late-visit-stays", "a visitor that came too late stays counted", LateStays, Site.GateLeave);
        yield return new("gate/closed-before-end", "the gate says closed as soon as it closes", ClosedFirst, Site.GateClose);
    }

    private static SeamResult? OwnFence(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.ClaimFence ? memory.Perform(operation with { Order = MemoryOrder.SeqCst }) : null;

    private static SeamResult? FenceFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ClaimFence)
            return Pretend(0);
        if (operation.Site == Site.ClaimTake)
            memory.Perform(new SeamOperation { Kind = EventKind.Fence, Order = MemoryOrder.ProcessWide, Site = Site.ClaimFence });
        return null;
    }

    private static SeamResult? LookFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.OwnerEnter)
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.OwnerLook || state.Deferred.Count == 0)
            return null;
        var seen = memory.Perform(operation);
        Catch(memory, state);
        return seen;
    }

    private static SeamResult? LeaveFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.OwnerEnter:
                state.Flag = true;
                return null;
            case Site.TopWrite when state.Flag:
                state.Deferred.Add(operation);
                return Pretend(0);
            case Site.OwnerLeave when state.Flag:
                state.Flag = false;
                var left = memory.Perform(operation);
                Catch(memory, state);
                return left;
            default:
                return null;
        }
    }

    private static SeamResult? BlindOwner(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.OwnerLook && state.Last == Site.OwnerEnter ? Pretend(TenureStep, wrote: false) : null;

    private static SeamResult? InsideIgnored(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.OwnerState && state.Last == Site.ClaimFence ? Pretend(CacheClaims<ModelAtomics>.Outside, wrote: false) : null;

    private static SeamResult? Forgotten(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.ClaimEnd ? memory.Perform(operation) with { Wrote = true } : null;

    private static SeamResult? Released(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.ClaimEnd ? memory.Perform(operation) with { Wrote = false } : null;

    private static SeamResult? TopLeft(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ClaimFence)
            state.Flag = true;
        else if (operation.Site == Site.ClaimEnd)
            state.Flag = false;
        return state.Flag && operation.Site == Site.TopWrite ? Pretend(0) : null;
    }

    private static SeamResult? UnclaimFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.ClaimTake:
                state.Held = operation.DesiredLow;
                state.Count = operation.Location;
                return null;
            case Site.OwnerState when state.Last == Site.ClaimFence:
                var seen = memory.Perform(operation);
                state.Flag = memory.Perform(operation with
                {
                    Rmw = RmwKind.CompareExchange, Order = MemoryOrder.AcqRel, Location = state.Count, Low = state.Held, DesiredLow = state.Held & ~3ul, Site = Site.ClaimEnd,
                }).Wrote;
                return seen;
            case Site.ClaimEnd:
                return Pretend(0, wrote: state.Flag);
            default:
                return null;
        }
    }

    private static SeamResult? SameTenure(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.ClaimNext ? memory.Perform(operation with { Low = operation.Low - TenureStep }) : null;

    /// <summary>Reads the state of the record whose claim word is about to be read, and answers the next look at the state with it.</summary>
    private static SeamResult? StateFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ClaimLoad)
        {
            CacheRecord probe;
            state.Held = Beside(memory, operation, &probe.Claim, &probe.State, Site.RecordState);
            state.Flag = true;
            return null;
        }

        if (operation.Site != Site.RecordState || operation.Kind != EventKind.Read || operation.Rmw != RmwKind.None || !state.Flag || state.Last is not (Site.ClaimLoad or Site.HeapFigures))
            return null;
        state.Flag = false;
        return Pretend(state.Held, wrote: false);
    }

    private static SeamResult? KindFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RecordState && operation is { Kind: EventKind.Read, Rmw: RmwKind.None } && state.Last is Site.ClaimLoad or Site.HeapFigures)
        {
            CacheRecord probe;
            state.Held = Beside(memory, operation, &probe.State, &probe.IsAmbient, Site.RecordKind);
            state.Flag = true;
            return null;
        }

        if (operation.Site != Site.RecordKind || operation.Kind != EventKind.Read || !state.Flag)
            return null;
        state.Flag = false;
        return Pretend(state.Held, wrote: false);
    }

    /// <summary>A load of another word of the same record.</summary>
    private static ulong Beside(ModelMemory memory, in SeamOperation operation, ulong* from, ulong* to, Site site)
    {
        var address = memory.AddressOf(operation.Location) - (ulong)from + (ulong)to;
        return memory.Perform(new SeamOperation { Kind = EventKind.Read, Order = MemoryOrder.Acquire, Location = memory.Locate((void*)address), Site = site }).Low;
    }

    /// <summary>The look of TryEndTenure, which comes after the look at the owner, is answered with the tenure that was seen before; the claim that follows is of the tenure that stands there.</summary>
    private static SeamResult? AnyTenure(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ClaimLoad)
        {
            var seen = memory.Perform(operation);
            if (state is { Flag: true, Last: Site.None })
            {
                state.Count = (int)(seen.Low & ~3ul);
                return seen with { Low = state.Held | (seen.Low & 3) };
            }

            (state.Flag, state.Held) = (true, seen.Low & ~3ul);
            return seen;
        }

        if (operation.Site != Site.ClaimTake || state.Count == 0)
            return null;
        var tenure = (uint)state.Count;
        state.Count = 0;
        return memory.Perform(operation with { Low = tenure | (operation.Low & 3), DesiredLow = tenure | (operation.DesiredLow & 3) });
    }

    private static SeamResult? SlotsNotNoted(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation is { Site: Site.MagazineSlots, Kind: EventKind.Write } ? Pretend(0) : null;

    /// <summary>The count that follows a push that found the stack full: written as well where no attempt had been made, and then it changes nothing.</summary>
    private static SeamResult? SlotsNotRestored(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation is { Site: Site.MagazineSlots, Kind: EventKind.Write } && state.Last == Site.StackLoadDepth ? Pretend(0) : null;

    private static SeamResult? KeepsResidency(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ResidentRead)
        {
            var seen = memory.Perform(operation);
            state.Held = seen.Low;
            return seen;
        }

        return operation.Site == Site.ResidentWrite && (state.Held & ~operation.Low) != 0 ? Pretend(0) : null;
    }

    private static SeamResult? Unnoted(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.ResidentRead)
        {
            var seen = memory.Perform(operation);
            state.Held = seen.Low;
            return seen;
        }

        return operation.Site == Site.ResidentWrite && (operation.Low & ~state.Held) != 0 ? Pretend(0) : null;
    }

    private static SeamResult? GrantByAdd(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.GrantTake)
            return null;
        memory.Perform(operation with { Rmw = RmwKind.Add, Low = operation.DesiredLow - operation.Low });
        return Pretend(operation.Low);
    }

    /// <summary>Where the look behind the fence finds the owner inside, settles its grant all the same.</summary>
    private static SeamResult? GrantOfOwnerInside(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.OwnerState || state.Last != Site.ClaimFence)
            return null;
        var seen = memory.Perform(operation);
        CacheRecord probe;
        var record = (CacheRecord*)(memory.AddressOf(operation.Location) - (ulong)&probe.Active + (ulong)&probe);
        if (seen.Low == CacheClaims<ModelAtomics>.Inside && record->Heap != null && !memory.IsPrivate((ulong)&record->Grant))
            CacheBudget<ModelAtomics>.Settle(record->Heap, record);
        return seen;
    }

    private static SeamResult? SleepersGrantLost(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        SeeClaim(state, operation);
        return state.Flag && operation.Site == Site.GrantReturn ? Pretend(0) : null;
    }

    private static SeamResult? SleepersGrantTwice(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        SeeClaim(state, operation);
        return IsEmptied(state, operation) ? Pretend(0) : null;
    }

    private static SeamResult? SleepersGrantLate(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        SeeClaim(state, operation);
        if (IsEmptied(state, operation))
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.ClaimEnd || state.Deferred.Count == 0)
            return null;
        var ended = memory.Perform(operation);
        Catch(memory, state);
        return ended;
    }

    /// <summary>The write before the return of a grant, inside a claim.</summary>
    private static bool IsEmptied(MutantState state, in SeamOperation operation) =>
        state is { Flag: true, Last: Site.GrantRead } && operation is { Site: Site.GrantWrite, Low: 0 };

    private static void SeeClaim(MutantState state, in SeamOperation operation)
    {
        if (operation.Site is Site.ClaimFence or Site.ClaimEnd)
            state.Flag = operation.Site == Site.ClaimFence;
    }

    private static SeamResult? NoWait(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.GateClose)
            state.Flag = true;
        return state.Flag && operation.Site == Site.GateLook ? Pretend(Closing, wrote: false) : null;
    }

    private static SeamResult? CloseByStore(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.GateClose)
            return null;
        memory.Perform(operation with { Kind = EventKind.Write, Rmw = RmwKind.None, Order = MemoryOrder.Release });
        return Pretend(0);
    }

    private static SeamResult? LateStays(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.GateEnter)
            return operation.Site == Site.GateLeave && state.Flag ? Pretend(0) : null;
        var entered = memory.Perform(operation);
        state.Flag = (entered.Low & Closing) != 0;
        return entered;
    }

    private static SeamResult? ClosedFirst(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        switch (operation.Site)
        {
            case Site.GateClose:
                state.Flag = true;
                return null;
            case Site.GateLook when state.Flag:
                var seen = memory.Perform(operation);
                if (seen.Low == Closing)
                    memory.Perform(operation with { Rmw = RmwKind.Or, Order = MemoryOrder.AcqRel, Low = 3ul << 62, Site = Site.GateMark });
                return seen;
            case Site.GateMark:
                return Pretend(0);
            default:
                return null;
        }
    }
}
