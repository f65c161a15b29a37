using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>An execution graph out of the engine's hands: steps thread by thread, coherence orders, and the models that allow it.</summary>
internal sealed class ExecutionTrace
{
    private ExecutionTrace(int threads, List<TraceStep> steps, List<int>[] coherence, string[] initial, string[] names)
    {
        Threads = threads;
        Steps = steps;
        Coherence = coherence;
        Initial = initial;
        Names = names;
    }

    public int Threads { get; }

    /// <summary>Thread by thread, in program order.</summary>
    public IReadOnlyList<TraceStep> Steps { get; }

    /// <summary>Per location the numbers of the steps that write it, in coherence order.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Coherence { get; }

    /// <summary>Per location the initial value.</summary>
    public IReadOnlyList<string> Initial { get; }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Which models allow this very graph.</summary>
    public required IReadOnlyDictionary<MemoryModel, bool> Verdicts { get; init; }

    /// <summary>Takes the engine's current graph.</summary>
    public static unsafe ExecutionTrace Of(GraphSession session)
    {
        var engine = session.Engine;
        ref readonly var graph = ref engine.Current;
        var text = new WordText(session.Memory, session.Scenario);
        var threads = session.Scenario.Threads;
        var steps = new List<TraceStep>();
        var numbers = new Dictionary<int, int>();
        var sources = new List<ushort>();
        for (var thread = 0; thread < threads; thread++)
        {
            var count = ShownEvents(graph, thread);
            var first = steps.Count;
            for (var index = 0; index < count; index++)
            {
                var added = graph.At(thread, index);
                var id = (thread << 8) | index;
                numbers[id] = steps.Count;
                sources.Add(added->Source);
                var isPair = added->Kind == EventKind.Read && added->Writes != 0 && index + 1 < count;
                if (isPair)
                    numbers[id + 1] = steps.Count;
                steps.Add(StepOf(session, text, added, isPair ? graph.At(thread, index + 1) : null, thread, steps.Count - first));
                index += isPair ? 1 : 0;
            }
        }

        for (var number = 0; number < steps.Count; number++)
            steps[number].Source = steps[number].Reads && sources[number] != Graph.Init ? numbers[sources[number]] : TraceStep.Initial;
        var locations = session.Memory.LocationCount;
        var coherence = new List<int>[locations];
        var initial = new string[locations];
        var names = new string[locations];
        for (var location = 0; location < locations; location++)
        {
            coherence[location] = [];
            names[location] = session.Memory.NameOfLocation(location);
            initial[location] = text.Of(location, engine.InitialOf(location).Low, engine.InitialOf(location).High);
            var lists = graph.Locations + location;
            for (var place = 0; place < lists->StoreCount; place++)
                coherence[location].Add(numbers[lists->Stores[place]]);
        }

        return new ExecutionTrace(threads, steps, coherence, initial, names) { Verdicts = ModelVerdicts.Of(graph, threads, engine.Locations) };
    }

    /// <summary>A race leaves the read half of an operation without its store: the half is shown as a read.</summary>
    private static unsafe int ShownEvents(in Graph graph, int thread)
    {
        var count = (int)graph.Header->Counts[thread];
        return count > 0 && graph.At(thread, count - 1)->Kind == EventKind.Write ? ExecutionShape.WholeEvents(graph, thread) : count;
    }

    private static unsafe TraceStep StepOf(GraphSession session, WordText text, Event* added, Event* write, int thread, int index)
    {
        var engine = session.Engine;
        var step = new TraceStep { Thread = thread, Index = index, Kind = added->Kind, Order = added->Order, Site = added->Site, Rmw = added->Rmw };
        if (added->Kind == EventKind.Fence)
            return step;
        if (added->Kind == EventKind.Choice)
            return step with { Written = added->Low.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        int location = added->Location;
        step = step with { Location = location, Name = session.Memory.NameOfLocation(location) };
        if (added->Kind == EventKind.Write)
            return step with { Written = text.Of(location, added->Low, added->High), Place = added->Place };
        var read = text.Of(location, engine.ValueOf(added->Source, location, 0), engine.ValueOf(added->Source, location, 1));
        step = step with { Read = read, Half = added->Rmw == RmwKind.None && session.Memory.CellAt(location).IsWide ? added->Half : 2 };
        if (write != null)
            return step with { Wrote = true, Written = text.Of(location, write->Low, write->High), Place = write->Place };
        return added->Rmw == RmwKind.CompareExchange ? step with { Written = $"{text.Of(location, added->Low, added->High)} → {text.Of(location, added->Released, added->DesiredHigh)}" } : step;
    }
}
