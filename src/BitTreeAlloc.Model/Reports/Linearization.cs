using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>
/// The steps of a trace in one line, with the fewest changes of thread. Where program order, reads-from, coherence and from-read have no cycle the line is an interleaving that explains the
/// execution; otherwise from-read is given up, then coherence, and some reads are stale in the line.
/// </summary>
internal sealed class Linearization
{
    private const int MostStates = 200_000;

    private readonly ExecutionTrace _trace;

    private Linearization(ExecutionTrace trace, int[] order, bool isInterleaving)
    {
        _trace = trace;
        Order = order;
        IsInterleaving = isInterleaving;
        Missed = new Dictionary<int, int>();
        Replay();
        Switches = 0;
        for (var position = 1; position < order.Length; position++)
            Switches += trace.Steps[order[position]].Thread != trace.Steps[order[position - 1]].Thread ? 1 : 0;
    }

    /// <summary>Numbers of steps in the order of the line.</summary>
    public int[] Order { get; }

    /// <summary>Whether plain interleaving explains the execution.</summary>
    public bool IsInterleaving { get; }

    /// <summary>Changes of thread along the line.</summary>
    public int Switches { get; }

    /// <summary>Stale reads, each with the step that it missed.</summary>
    public Dictionary<int, int> Missed { get; }

    /// <summary>How the failing executions of a scenario are ranked: the smallest is shown.</summary>
    public (int Switches, int Steps, int Stale) Rank => (Switches, Order.Length, Missed.Count);

    public static Linearization Of(ExecutionTrace trace)
    {
        for (var edges = 0; edges < 3; edges++)
        {
            var before = new List<int>[trace.Steps.Count];
            for (var number = 0; number < before.Length; number++)
                before[number] = [];
            AddThreadsAndSources(trace, before);
            if (edges < 2)
                AddCoherence(trace, before);
            if (edges < 1)
                AddFromRead(trace, before);
            if (FewestSwitches.Order(trace, before, MostStates) is { } order)
                return new Linearization(trace, order, edges == 0);
        }

        throw new InvalidOperationException("program order and reads-from have a cycle");
    }

    private static void AddThreadsAndSources(ExecutionTrace trace, List<int>[] before)
    {
        for (var number = 0; number < before.Length; number++)
        {
            var step = trace.Steps[number];
            if (step.Index > 0)
                before[number].Add(number - 1);
            if (step.Reads && step.Source >= 0)
                before[number].Add(step.Source);
        }
    }

    private static void AddCoherence(ExecutionTrace trace, List<int>[] before)
    {
        foreach (var stores in trace.Coherence)
        {
            for (var place = 1; place < stores.Count; place++)
                before[stores[place]].Add(stores[place - 1]);
        }
    }

    private static void AddFromRead(ExecutionTrace trace, List<int>[] before)
    {
        for (var number = 0; number < before.Length; number++)
        {
            var step = trace.Steps[number];
            if (step.Kind != EventKind.Read)
                continue;
            var stores = trace.Coherence[step.Location];
            var next = step.Source < 0 ? 0 : trace.Steps[step.Source].Place + 1;
            if (next < stores.Count && stores[next] != number)
                before[stores[next]].Add(number);
        }
    }

    /// <summary>Walks the line with one memory: a read whose source is no longer the newest store is stale.</summary>
    private void Replay()
    {
        var newest = new int[_trace.Coherence.Count];
        Array.Fill(newest, -1);
        foreach (var number in Order)
        {
            var step = _trace.Steps[number];
            if (step.Reads)
            {
                var place = step.Source < 0 ? -1 : _trace.Steps[step.Source].Place;
                if (place < newest[step.Location])
                    Missed[number] = _trace.Coherence[step.Location][newest[step.Location]];
            }

            if (step.Writes && step.Place >= 0)
                newest[step.Location] = Math.Max(newest[step.Location], step.Place);
        }
    }
}
