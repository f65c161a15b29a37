using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Baton;

/// <summary>
/// Owns: one execution after another of a scenario on real threads, of which one runs at a time; at each operation the scheduler picks who goes on.
/// Invariants: I-N1 only the thread that has the baton touches the memory, the scheduler and the scenario. I-N2 a seed gives the same execution at any time on any machine.
/// Callers: BatonExplorer. Checked by: outcomes are a subset of the graph engine's; a seed repeats its execution; planted bugs are found.
/// </summary>
internal sealed partial class BatonEngine : IModelEngine, IRunEngine, IHistoryEngine, IInterleavingEngine, IDisposable
{
    private readonly Scenario _scenario;
    private readonly BatonOptions _options;
    private readonly ModelMemory _words;
    private readonly BatonMemory _memory;
    private readonly Scheduler _scheduler;

    // One per thread: an operation that began on one is not ended by another.
    private readonly Run[] _runs;
    private readonly List<ulong>[] _results;
    private int _operations;
    private bool _stale;

    public BatonEngine(Scenario scenario, BatonOptions options)
    {
        _scenario = scenario;
        _options = options;
        _words = new ModelMemory { Weakening = options.Weakening };
        _memory = new BatonMemory(scenario.Threads);
        _scheduler = new Scheduler(scenario.Threads, options.PctDepth);
        _results = [.. Enumerable.Range(0, scenario.Threads).Select(_ => new List<ulong>())];
        _operationsOf = new int[scenario.Threads];
        _words.StepBound = scenario.StepBound;
        ModelMemory.Enter(_words);
        try
        {
            scenario.Prepare(_words);
            _words.Begin(this);
        }
        finally
        {
            ModelMemory.Enter(null);
        }

        _runs = [.. Enumerable.Range(0, scenario.Threads).Select(_ => new Run(this, _words))];
        StartThreads();
        Measure();
    }

    /// <summary>Runs at the end of each execution without error, on one of the threads.</summary>
    public Action? AtEnd { get; set; }

    /// <summary>Notes the execution where set.</summary>
    public BatonRecord? Record { get; set; }

    public int AddLocation(ulong low, ulong high) => _memory.Add(low, high);

    public (ulong Low, ulong High) FinalOf(int location) => _memory.ValueAt(location, _memory.Newest(location));

    public ulong Read(int location, MemoryOrder order, int half, Site site)
    {
        var thread = Point();
        _memory.BeginEvent(thread, order);
        var place = DrawSource(thread, location, order == MemoryOrder.Plain);
        _memory.Read(thread, location, place, order);
        CheckRace(thread, location, order == MemoryOrder.Plain, write: false, site);
        Record?.Add(thread, place, 1);
        var (low, high) = _memory.ValueAt(location, place);
        return half == 1 ? high : low;
    }

    public void Write(int location, ulong low, ulong high, MemoryOrder order, Site site)
    {
        var thread = Point();
        _memory.BeginEvent(thread, order);
        CheckRace(thread, location, order == MemoryOrder.Plain, write: true, site);
        _memory.Write(thread, location, low, high, order, readFrom: -1);
        Record?.Add(thread, _memory.Newest(location) - 1, 1);
    }

    public (ulong Low, ulong High, bool Wrote) ReadModifyWrite(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
    {
        var thread = Point();
        _memory.BeginEvent(thread, order);
        var place = kind == RmwKind.CompareExchange ? DrawSource(thread, location, plain: false) : _memory.Newest(location);

        // What writes has to read the newest store: it goes right behind it.
        if (_memory.ValueAt(location, place) == (expectedLow, expectedHigh))
            place = _memory.Newest(location);
        var (low, high) = _memory.ValueAt(location, place);
        var writes = kind != RmwKind.CompareExchange || (low, high) == (expectedLow, expectedHigh);
        var inForce = writes ? order : order switch { MemoryOrder.AcqRel => MemoryOrder.Acquire, MemoryOrder.Release => MemoryOrder.Relaxed, _ => order };
        _memory.Read(thread, location, place, inForce);
        CheckRace(thread, location, plain: false, writes, site);
        if (writes)
        {
            var (newLow, newHigh) = kind switch
            {
                RmwKind.CompareExchange => (desiredLow, desiredHigh),
                RmwKind.Exchange => (expectedLow, expectedHigh),
                RmwKind.Add => (low + expectedLow, high),
                RmwKind.And => (low & expectedLow, high),
                _ => (low | expectedLow, high),
            };
            _memory.Write(thread, location, newLow, newHigh, inForce, place);
        }

        Record?.Add(thread, place, writes ? 2 : 1);
        return (low, high, writes);
    }

    public void Fence(MemoryOrder order, Site site)
    {
        var thread = Point();
        _memory.BeginEvent(thread, order);
        _memory.Fence(thread, order);
        if (order == MemoryOrder.ProcessWide)
            _memory.FenceOthers(thread);
        Record?.AddFence(thread);
    }

    public int Choose(int branches, Site site)
    {
        var thread = Point();
        var value = _scheduler.Below(branches);
        Record?.Add(thread, value, 1);
        return value;
    }

    public void Result1(ulong value) => _results[_turn].Add(value);

    public ulong ResultOf(int thread, int number) => _results[thread][number];

    public int ResultCountOf(int thread) => _results[thread].Count;

    private int DrawSource(int thread, int location, bool plain)
    {
        var newest = _memory.Newest(location);
        if (!_stale || plain || _scheduler.Below(4) != 0)
            return newest;
        var oldest = _memory.OldestSource(thread, location);
        return newest - _scheduler.Below(newest - oldest + 1);
    }

    private void CheckRace(int thread, int location, bool plain, bool write, Site site)
    {
        if (_memory.Races(thread, location, plain, write))
        {
            var what = $"{(plain ? "a plain" : "an atomic")} {(write ? "write" : "read")} at {site} of {_words.NameOfLocation(location)} by thread {thread}";
            throw new ModelErrorException(ModelErrorKind.DataRace, $"{what} is not ordered with an access of another thread");
        }
    }
}
