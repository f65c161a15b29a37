using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>One event of the enumerator: a read, a write or a fence.</summary>
/// <param name="Thread">Its thread.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Location">Its location; −1 of a fence.</param>
/// <param name="Order">The order in force.</param>
/// <param name="IsRmw">Whether it is half of a read-modify-write that writes.</param>
/// <param name="Operation">What it comes from.</param>
internal readonly record struct EnumeratedEvent(int Thread, EventKind Kind, int Location, MemoryOrder Order, bool IsRmw, LitmusOperation Operation)
{
    public bool IsSource => Order is MemoryOrder.Release or MemoryOrder.AcqRel or MemoryOrder.SeqCst;

    public bool IsSink => Order is MemoryOrder.Acquire or MemoryOrder.AcqRel or MemoryOrder.SeqCst;
}

/// <summary>A program's events once it is assumed of every compare-exchange whether it succeeds, with the sets that axioms speak of.</summary>
internal sealed class EnumeratedEvents
{
    public EnumeratedEvents(LitmusProgram program, int successes)
    {
        var compareExchanges = 0;
        for (var thread = 0; thread < program.Threads.Count; thread++)
        {
            foreach (var operation in program.Threads[thread])
            {
                var succeeds = operation.Kind != LitmusKind.CompareExchange || (successes >> compareExchanges++ & 1) != 0;
                AddOperation(thread, operation, succeeds);
            }
        }

        if (All.Count > EventRelation.MaxEvents)
            throw new NotSupportedException($"{program.Name} has {All.Count} events; the enumerator holds {EventRelation.MaxEvents}");
        ProgramOrder = new EventRelation(All.Count);
        ProgramOrderOfLocation = new EventRelation(All.Count);
        for (var later = 1; later < All.Count; later++)
        {
            for (var earlier = 0; earlier < later; earlier++)
                Relate(earlier, later);
        }

        Reads = SetOf(e => e.Kind == EventKind.Read);
        Writes = SetOf(e => e.Kind == EventKind.Write);
        Fences = SetOf(e => e.Kind == EventKind.Fence);
        SeqCst = SetOf(e => e.Order == MemoryOrder.SeqCst);
        Sources = SetOf(e => e.IsSource);
        Sinks = SetOf(e => e.IsSink);
    }

    public List<EnumeratedEvent> All { get; } = [];

    public EventRelation ProgramOrder { get; }

    public EventRelation ProgramOrderOfLocation { get; }

    public ulong Reads { get; }

    public ulong Writes { get; }

    public ulong Fences { get; }

    public ulong SeqCst { get; }

    /// <summary>Whatever has a release order.</summary>
    public ulong Sources { get; }

    /// <summary>Whatever has an acquire order.</summary>
    public ulong Sinks { get; }

    public ulong SetOf(Func<EnumeratedEvent, bool> belongs)
    {
        var set = 0ul;
        for (var number = 0; number < All.Count; number++)
            set |= belongs(All[number]) ? 1ul << number : 0;
        return set;
    }

    private void AddOperation(int thread, LitmusOperation operation, bool succeeds)
    {
        switch (operation.Kind)
        {
            case LitmusKind.Fence:
                All.Add(new(thread, EventKind.Fence, -1, operation.Order, false, operation));
                break;
            case LitmusKind.Read:
                All.Add(new(thread, EventKind.Read, operation.Location, operation.Order, false, operation));
                break;
            case LitmusKind.Write:
                All.Add(new(thread, EventKind.Write, operation.Location, operation.Order, false, operation));
                break;
            default:
                var order = succeeds ? operation.Order : OfFailure(operation.Order);
                All.Add(new(thread, EventKind.Read, operation.Location, order, succeeds, operation));
                if (succeeds)
                    All.Add(new(thread, EventKind.Write, operation.Location, order, true, operation));
                break;
        }
    }

    /// <summary>A compare-exchange that fails is a load; it has nothing to release.</summary>
    private static MemoryOrder OfFailure(MemoryOrder order) => order switch
    {
        MemoryOrder.SeqCst => MemoryOrder.SeqCst,
        MemoryOrder.AcqRel or MemoryOrder.Acquire => MemoryOrder.Acquire,
        _ => MemoryOrder.Relaxed,
    };

    private void Relate(int earlier, int later)
    {
        if (All[earlier].Thread != All[later].Thread)
            return;
        ProgramOrder.Add(earlier, later);
        if (All[earlier].Location == All[later].Location && All[later].Location >= 0)
            ProgramOrderOfLocation.Add(earlier, later);
    }
}
