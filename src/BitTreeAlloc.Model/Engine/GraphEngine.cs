using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Model.Engine;

/// <summary>What one exploration found.</summary>
public sealed record ExplorationResult
{
    /// <summary>Executions in which every thread ran to its end.</summary>
    public long Executions { get; set; }

    /// <summary>Executions in which a thread waits for ever, or was stopped.</summary>
    public long Blocked { get; set; }

    /// <summary>Graphs that were built and found inconsistent.</summary>
    public long Discarded { get; set; }

    /// <summary>Whether every execution was seen (no bound was met, no error ended the run).</summary>
    public bool IsExhaustive { get; set; } = true;

    /// <summary>The first error, or null.</summary>
    public ModelError? Error { get; set; }

    /// <summary>Most events of one execution.</summary>
    public int MaxEvents { get; set; }
}

/// <summary>
/// Owns: the exhaustive search over execution graphs (Kokologiannakis et al., "Truly Stateless, Optimal Dynamic Partial Order Reduction", POPL 2022). Threads run one after another as plain
/// delegates; a read chooses its store, a later store revisits reads that could have read it. Each consistent execution is built exactly once.
/// Invariants: I-E1 the current graph is consistent. I-E2 every graph on the stack is consistent but for the write half of a pending read-modify-write.
/// Callers: Explorer, Litmus; one thread at a time. Checked by: litmus counts, published counts, the differential fuzz, mutants of this file.
/// </summary>
internal sealed unsafe partial class GraphEngine : IModelEngine, Scenarios.IRunEngine, IDisposable
{
    private readonly int _threads;
    private readonly int _eventCapacity;
    private readonly int _locationCapacity;
    private readonly MemoryModel _model;
    private readonly bool _needsOnlySeqCst;
    private readonly List<Graph> _work = [];
    private readonly Stack<Graph> _free = new();
    private readonly List<nint> _memory = [];
    private readonly ulong[] _initLow;
    private readonly ulong[] _initHigh;
    private readonly bool[] _plainSeen;
    private delegate*<in Graph, int, int, bool> _isConsistent;
    private Graph _graph;
    private int _locations;
    private int _thread;
    private int _cursor;
    private int _count;

    public GraphEngine(int threads, MemoryModel model, int eventCapacity = Views.MaxEvents, int locationCapacity = 128)
    {
        _threads = threads;
        _eventCapacity = eventCapacity;
        _locationCapacity = locationCapacity;
        _initLow = new ulong[locationCapacity];
        _initHigh = new ulong[locationCapacity];
        _plainSeen = new bool[locationCapacity];
        _model = model;
        _isConsistent = PredicateOf(model, EngineMutant.None);
        _needsOnlySeqCst = model == MemoryModel.Rc11;
    }

    /// <summary>Runs at the end of each complete execution; reads the graph by the final-value and result members.</summary>
    public Action? AtEnd { get; set; }

    /// <summary>Deviations allowed on the way to an execution; beyond, the search is cut and says so.</summary>
    public int Bound { get; set; } = int.MaxValue;

    /// <summary>Executions, blocked and discarded ones included, after which the search stops.</summary>
    public long MaxExecutions { get; set; } = long.MaxValue;

    /// <summary>A planted bug; for the tests that must notice.</summary>
    public EngineMutant Mutant
    {
        get;
        init
        {
            field = value;
            _isConsistent = PredicateOf(_model, value);
        }
    }

    public ExplorationResult Result { get; private set; } = new();

    /// <summary>The current graph, for reports and end checks.</summary>
    public ref readonly Graph Current => ref _graph;

    public int Locations => _locations;

    /// <summary>Declares a location with its initial value.</summary>
    public int AddLocation(ulong low, ulong high)
    {
        if (_locations == _locationCapacity)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"more than {_locationCapacity} locations");
        _initLow[_locations] = low;
        _initHigh[_locations] = high;
        return _locations++;
    }

    public void SetInitial(int location, ulong low, ulong high)
    {
        _initLow[location] = low;
        _initHigh[location] = high;
    }

    public (ulong Low, ulong High) InitialOf(int location) => (_initLow[location], _initHigh[location]);

    /// <summary>The value at the end of the current graph: of the store that is last in coherence order.</summary>
    public (ulong Low, ulong High) FinalOf(int location)
    {
        var lists = _graph.Locations + location;
        if (lists->StoreCount == 0)
            return InitialOf(location);
        var store = _graph.At(lists->Stores[lists->StoreCount - 1]);
        return (store->Low, store->High);
    }

    /// <summary>Explores all executions of the thread bodies.</summary>
    public ExplorationResult Explore(Action<int>[] bodies)
    {
        Result = new ExplorationResult();
        var first = Rent();
        Unsafe.InitBlock(first.Header, 0, (uint)sizeof(GraphHeader));
        Unsafe.InitBlock(first.Locations, 0, (uint)(_locationCapacity * sizeof(LocationLists)));
        first.Header->Pending = 255;
        _work.Add(first);
        while (_work.Count > 0 && Result.Error == null)
        {
            _graph = _work[^1];
            _work.RemoveAt(_work.Count - 1);
            if (FinishPending())
                RunAll(bodies);
            else
                Result.Discarded++;
            _free.Push(_graph);
            if (Result.Executions + Result.Blocked + Result.Discarded >= MaxExecutions && _work.Count > 0)
            {
                Result.IsExhaustive = false;
                break;
            }
        }

        if (_work.Count > 0)
            Result.IsExhaustive = false;
        while (_work.Count > 0)
        {
            _free.Push(_work[^1]);
            _work.RemoveAt(_work.Count - 1);
        }

        return Result;
    }

    public void Dispose()
    {
        foreach (var memory in _memory)
            NativeMemory.AlignedFree((void*)memory);
        _memory.Clear();
        _free.Clear();
        _work.Clear();
    }

    private void RunAll(Action<int>[] bodies)
    {
        var blocked = false;
        try
        {
            for (var thread = 0; thread < _threads; thread++)
            {
                if ((_graph.Header->Done & (1 << thread)) != 0)
                    continue;
                _thread = thread;
                _cursor = 0;
                _count = _graph.Header->Counts[thread];
                _graph.Header->ResultCounts[thread] = 0;
                try
                {
                    bodies[thread](thread);
                    if (_cursor < _count)
                        throw new ModelErrorException(ModelErrorKind.Nondeterminism, $"thread {thread} ended after {_cursor} of its {_count} recorded operations");
                    _graph.Header->Done |= (byte)(1 << thread);
                }
                catch (ThreadStoppedException)
                {
                    blocked = true;
                }
            }

            if (blocked)
            {
                Result.Blocked++;
                AtBlocked?.Invoke();
                return;
            }

            Result.Executions++;
            Result.MaxEvents = Math.Max(Result.MaxEvents, _graph.Header->NextStamp);
            AtEnd?.Invoke();
        }
        catch (ModelErrorException error)
        {
            Result.Error = error.Error with { Thread = _thread };
            AtError?.Invoke();
        }
        catch (NullReferenceException raw)
        {
            Result.Error = new ModelError(ModelErrorKind.WildPointer, "a raw access to model memory, past the seam") { Thread = _thread, Stack = raw.StackTrace };
            AtError?.Invoke();
        }
    }

    /// <summary>Runs where threads did not all end.</summary>
    public Action? AtBlocked { get; set; }

    /// <summary>Runs while the graph of an error is still current.</summary>
    public Action? AtError { get; set; }

    private static delegate*<in Graph, int, int, bool> PredicateOf(MemoryModel model, EngineMutant mutant) => (model, mutant) switch
    {
        (MemoryModel.Rc11, EngineMutant.PaperScb) => &Models.Rc11WithPaperScb.IsConsistent,
        (MemoryModel.Rc11, EngineMutant.NoFenceEco) => &Models.Rc11WithoutFenceEco.IsConsistent,
        (MemoryModel.Net, EngineMutant.NoOwnRmwEdge) => &Models.NetWithoutOwnRmwEdge.IsConsistent,
        (MemoryModel.Rc11, _) => &Models.Rc11Model.IsConsistent,
        (MemoryModel.Net, _) => &Models.NetModel.IsConsistent,
        (MemoryModel.Tso, _) => &Models.TsoModel.IsConsistent,
        _ => &Models.ScModel.IsConsistent,
    };

    private Graph Rent()
    {
        if (_free.TryPop(out var graph))
            return graph;
        var events = (nuint)(_threads * _eventCapacity * sizeof(Event));
        var lists = (nuint)(_locationCapacity * sizeof(LocationLists));
        var bytes = (nuint)sizeof(GraphHeader) + 64 + events + lists;
        var memory = (byte*)NativeMemory.AlignedAlloc(bytes, 64);

        // Zero: a planted bug may leave an id of an event that is not there, and must not lead out of this memory before it is caught.
        NativeMemory.Clear(memory, bytes);
        _memory.Add((nint)memory);
        return new Graph
        {
            Header = (GraphHeader*)memory,
            Events = (Event*)(memory + (((nuint)sizeof(GraphHeader) + 63) & ~(nuint)63)),
            Locations = (LocationLists*)(memory + (((nuint)sizeof(GraphHeader) + 63) & ~(nuint)63) + events),
            EventCapacity = _eventCapacity,
        };
    }

    private void Push(Graph graph)
    {
        if (++graph.Header->Deviations > Bound)
        {
            Result.IsExhaustive = false;
            _free.Push(graph);
            return;
        }

        _work.Add(graph);
    }
}
