using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>What a mutant remembers of the running thread.</summary>
internal sealed class MutantState
{
    /// <summary>Operations put off.</summary>
    public List<SeamOperation> Deferred { get; } = [];

    /// <summary>The site of the operation before.</summary>
    public Site Last { get; set; }

    /// <summary>Whether the operation before wrote.</summary>
    public bool LastWrote { get; set; }

    public ulong Held { get; set; }

    public bool Flag { get; set; }

    public int Count { get; set; }

    public void Clear()
    {
        Deferred.Clear();
        (Last, LastWrote, Held, Flag, Count) = (Site.None, false, 0, false, 0);
    }
}

/// <summary>A step of a mutant: what comes of an operation; null performs it as it is.</summary>
internal delegate SeamResult? MutantStep(ModelMemory memory, MutantState state, in SeamOperation operation);

/// <summary>A hand-written mutant: one mistake in the protocol, made at the named sites of the shipped code.</summary>
internal sealed class ProtocolMutant(string name, string mistake, MutantStep step, params Site[] sites) : SeamMutant
{
    private readonly MutantState _state = new();

    public override string Name => name;

    public override string Mistake => mistake;

    public override string? Equivalent => Why;

    /// <summary>Why nothing can show it.</summary>
    public string? Why { get; init; }

    /// <summary>The sites at which it acts: a scenario that touches none cannot kill it.</summary>
    public IReadOnlyList<Site> Sites => sites;

    public override void BeginThread() => _state.Clear();

    public override SeamResult Run(ModelMemory memory, in SeamOperation operation)
    {
        var result = step(memory, _state, operation) ?? memory.Perform(operation);
        (_state.Last, _state.LastWrote) = (operation.Site, result.Wrote);
        return result;
    }
}

/// <summary>The building blocks of mutants.</summary>
internal static class Mistakes
{
    /// <summary>What an operation that was left out claims to have found.</summary>
    public static SeamResult Pretend(ulong value, bool wrote = true) => new(value, 0, wrote);

    /// <summary>A site is left out and claims a value.</summary>
    public static MutantStep LeaveOut(Site site, ulong value) =>
        (ModelMemory _, MutantState _, in SeamOperation operation) => operation.Site == site ? Pretend(value) : null;

    /// <summary>A read-modify-write stores without looking.</summary>
    public static MutantStep AsStore(Site site) =>
        (ModelMemory memory, MutantState _, in SeamOperation operation) =>
        {
            if (operation.Site != site || operation.Rmw == RmwKind.None)
                return null;
            var isCompare = operation.Rmw == RmwKind.CompareExchange;
            var store = operation with
            {
                Kind = EventKind.Write,
                Rmw = RmwKind.None,
                Order = MemoryOrder.Release,
                Low = isCompare ? operation.DesiredLow : operation.Low,
                High = isCompare ? operation.DesiredHigh : operation.High,
            };
            memory.Perform(store);
            return new SeamResult(operation.Low, operation.High, true);
        };

    /// <summary>The set that follows the step at <paramref name="after"/> is forgotten.</summary>
    public static MutantStep ForgetSetAfter(Site after) =>
        (ModelMemory _, MutantState state, in SeamOperation operation) =>
        {
            if (operation.Site == Site.TreeSetLeaf)
                state.Flag = state.Last == after && state.LastWrote;
            else if (operation.Site != Site.TreeHelpParent)
                state.Flag = false;
            return state.Flag ? Pretend(ulong.MaxValue) : null;
        };

    /// <summary>The step at <paramref name="site"/> is done only after the next one at <paramref name="after"/> wrote.</summary>
    public static MutantStep PutOff(Site site, Site after, ulong value = 0, Func<SeamOperation, bool>? when = null) =>
        (ModelMemory memory, MutantState state, in SeamOperation operation) =>
        {
            if (operation.Site == site && (when == null || when(operation)))
            {
                state.Deferred.Add(operation);
                return Pretend(value);
            }

            if (operation.Site != after || state.Deferred.Count == 0)
                return null;
            var result = memory.Perform(operation);
            if (result.Wrote)
                Catch(memory, state);
            return result;
        };

    /// <summary>A read-modify-write becomes a load, and a store that does not look again.</summary>
    public static MutantStep SplitAt(Site site) =>
        (ModelMemory memory, MutantState _, in SeamOperation operation) => operation.Site == site ? memory.PerformSplit(operation) : null;

    /// <summary>A read-modify-write only loads.</summary>
    public static MutantStep AsLoad(Site site) =>
        (ModelMemory memory, MutantState _, in SeamOperation operation) =>
            operation.Site == site ? memory.Perform(operation with { Kind = EventKind.Read, Rmw = RmwKind.None, Order = MemoryOrder.Acquire }) : null;

    /// <summary>Does what was put off.</summary>
    public static void Catch(ModelMemory memory, MutantState state)
    {
        foreach (var deferred in state.Deferred)
            memory.Perform(deferred);
        state.Deferred.Clear();
    }
}
