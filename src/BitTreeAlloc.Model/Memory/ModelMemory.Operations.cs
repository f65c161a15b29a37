using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>The way of an operation from the seam to the engine: counted, stopped where the thread stops for ever, weakened or changed by a mutant.</summary>
public sealed unsafe partial class ModelMemory
{
    private const int MaxHints = 12;

    /// <summary>Indexed by site; a structure that is not ours numbers its own sites, up to 65 535.</summary>
    private readonly Mutants.SiteUse[] _uses = new Mutants.SiteUse[ushort.MaxValue + 1];
    private int _hintedAt;
    private int _hints;
    private bool _wrote;
    private ulong _residentSeen;
    private int _stopThread = -1;
    private int _stopAfter;

    /// <summary>Operations of the running thread since its body began.</summary>
    internal int Steps { get; private set; }

    /// <summary>Number of the running thread.</summary>
    internal int Thread { get; private set; }

    /// <summary>Operations after which a thread counts as one that does not end; 0 leaves that to the engine.</summary>
    internal int StepBound { get; set; }

    internal SeamMutant? Mutant { get; set; }

    internal Scenarios.IHistoryEngine? History { get; set; }

    /// <summary>Threads that wait at a <see cref="SpinHint"/>, with the number of events before the wait; −1 for others.</summary>
    internal int[] WaitingSince { get; } = [-1, -1, -1, -1, -1, -1, -1, -1];

    internal bool IsStopped(int thread) => thread == _stopThread;

    internal Dictionary<Site, Mutants.SiteUse> Uses() =>
        Enumerable.Range(1, ushort.MaxValue).Where(site => _uses[site] != 0).ToDictionary(site => (Site)site, site => _uses[site]);

    /// <summary>Stops a thread for ever after its first <paramref name="operations"/> operations.</summary>
    internal void StopAfter(int thread, int operations) => (_stopThread, _stopAfter) = (thread, operations);

    /// <summary>
    /// Says that the operations since the last hint waited for another thread. Where they only read, the thread goes on only when something it read changes;
    /// where nothing can, the execution ends in a deadlock, or shows a thread that is not lock-free. A loop that also writes ends as a livelock after a few rounds.
    /// </summary>
    public void SpinHint()
    {
        if (IsDirect)
            return;
        if (Engine is IInterleavingEngine interleaving)
        {
            interleaving.Yield();
            return;
        }

        var position = History!.Position;
        if (!_wrote)
        {
            WaitingSince[Thread] = _hintedAt;
            throw ThreadStoppedException.Instance;
        }

        _wrote = false;
        _hintedAt = position;
        if (++_hints == MaxHints)
            throw new ModelErrorException(ModelErrorKind.Livelock, $"thread {Thread} repeats a loop that writes, {MaxHints} times, and nobody gets on");
    }

    /// <summary>The holder of a block reads its residency bits.</summary>
    internal void SeeResident(ulong value) => _residentSeen = value;

    /// <summary>The holder of a block changes its residency bits: what it adds may be touched from here on.</summary>
    internal void NoteResident(ulong* address, ulong value)
    {
        Heap?.OnResident(address, _residentSeen, value);
        _residentSeen = value;
    }

    internal SeamResult Enter(in SeamOperation operation)
    {
        // What is ignored is no event: nothing can come between it and its neighbours, and no thread need be stopped there.
        var counts = operation.Location != _ignored || operation.Kind == EventKind.Fence;
        if (counts && Thread == _stopThread && Steps >= _stopAfter)
            throw ThreadStoppedException.Instance;
        if (counts && ++Steps > StepBound && StepBound != 0)
        {
            throw _stopThread >= 0
                ? new ModelErrorException(ModelErrorKind.NotLockFree, $"thread {Thread} takes more than {StepBound} operations while thread {_stopThread} is stopped after {_stopAfter}")
                : new ModelErrorException(ModelErrorKind.BoundExceeded, $"thread {Thread} takes more than {StepBound} operations");
        }

        _uses[(ushort)operation.Site] |= UseOf(operation);
        _wrote |= operation.Kind == EventKind.Write || operation.Rmw is not (RmwKind.None or RmwKind.CompareExchange);
        var result = Mutant == null ? Perform(operation) : Mutant.Run(this, operation);
        _wrote |= result.Wrote;
        return result;
    }

    private static Mutants.SiteUse UseOf(in SeamOperation operation)
    {
        var use = operation.Kind switch
        {
            EventKind.Write => Mutants.SiteUse.Write,
            EventKind.Fence => Mutants.SiteUse.Fence,
            _ => operation.Rmw == RmwKind.None ? Mutants.SiteUse.Read : Mutants.SiteUse.Modify,
        };
        return operation.Order == MemoryOrder.Plain ? use | Mutants.SiteUse.Plain : use;
    }

    /// <summary>Hands an operation to the engine.</summary>
    internal SeamResult Perform(in SeamOperation operation)
    {
        var engine = Engine!;
        if (operation.Location == _ignored && operation.Kind != EventKind.Fence)
            return new SeamResult(0, 0, true);
        var weak = Weakening.Kind != WeakeningKind.None && Weakening.Site == operation.Site;
        var order = weak ? Weakening.Apply(operation.Site, operation.Order) : operation.Order;
        if (weak && Weakening.Kind == WeakeningKind.Dropped && operation.Kind != EventKind.Read)
            return default;
        switch (operation.Kind)
        {
            case EventKind.Fence:
                engine.Fence(order, operation.Site);
                return default;
            case EventKind.Write:
                engine.Write(operation.Location, operation.Low, operation.High, order, operation.Site);
                return new SeamResult(0, 0, true);
            case EventKind.Read when operation.Rmw == RmwKind.None:
                return new SeamResult(engine.Read(operation.Location, order, operation.Half, operation.Site), 0, false);
            default:
                if (weak && Weakening.Kind == WeakeningKind.Split)
                    return PerformSplit(operation);
                if (weak && Weakening.Kind == WeakeningKind.Dropped)
                    return new SeamResult(operation.Rmw == RmwKind.CompareExchange ? operation.Low : ulong.MaxValue, operation.High, true);
                var (low, high, wrote) = engine.ReadModifyWrite(
                    operation.Location, operation.Rmw, operation.Low, operation.High, operation.DesiredLow, operation.DesiredHigh, order, operation.Site);
                return new SeamResult(low, high, wrote);
        }
    }

    internal static SeamResult ModifyDirectly(Cell cell, in SeamOperation operation)
    {
        var before = new SeamResult(cell.Low, cell.High, true);
        if (!cell.IsIgnored && operation.Rmw == RmwKind.CompareExchange && (cell.Low != operation.Low || cell.High != operation.High))
            return before with { Wrote = false };
        (cell.Low, cell.High) = After(operation, before);
        return before;
    }

    /// <summary>The mutant: a load, and a store that does not look again.</summary>
    internal SeamResult PerformSplit(in SeamOperation operation)
    {
        var isWide = _cells[operation.Location].IsWide;
        var before = new SeamResult(
            Engine!.Read(operation.Location, MemoryOrder.Acquire, 0, operation.Site),
            isWide ? Engine.Read(operation.Location, MemoryOrder.Acquire, 1, operation.Site) : 0,
            true);
        if (operation.Rmw == RmwKind.CompareExchange && (before.Low != operation.Low || before.High != operation.High))
            return before with { Wrote = false };
        var (low, high) = After(operation, before);
        Engine.Write(operation.Location, low, high, MemoryOrder.Release, operation.Site);
        return before;
    }

    private static (ulong Low, ulong High) After(in SeamOperation operation, in SeamResult before) => operation.Rmw switch
    {
        RmwKind.CompareExchange => (operation.DesiredLow, operation.DesiredHigh),
        RmwKind.Exchange => (operation.Low, operation.High),
        RmwKind.Add => (before.Low + operation.Low, before.High),
        RmwKind.And => (before.Low & operation.Low, before.High),
        _ => (before.Low | operation.Low, before.High),
    };
}
