using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;
using Microsoft.Coyote.Runtime;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>
/// Owns: the model's locations as plain values, under Coyote's scheduler: every operation is a scheduling point and then one step, so what is explored are sequentially consistent interleavings.
/// Invariants: I-Y1 exactly one controlled thread runs between two scheduling points. I-Y2 a schedule begins from the initial values.
/// Callers: the model's atomics, on controlled threads; <see cref="CoyoteExplorer"/>. Checked by: CoyoteGuardTests.
/// </summary>
/// <remarks>Rejected: rewriting the assemblies. The seam is where a scheduling point belongs, and what runs stays what ships.</remarks>
internal sealed class CoyoteEngine(int threads, ModelMemory memory) : IModelEngine, IRunEngine, IHistoryEngine, IInterleavingEngine
{
    private readonly List<(ulong Low, ulong High)> _initial = [];
    private readonly List<ulong>[] _results = [.. Enumerable.Range(0, threads).Select(_ => new List<ulong>())];

    /// <summary>Per thread, when each of its operations ran: its place in the schedule.</summary>
    private readonly List<int>[] _times = [.. Enumerable.Range(0, threads).Select(_ => new List<int>())];
    private readonly bool[] _done = new bool[threads];
    private readonly HashSet<ulong> _seen = [];
    private (ulong Low, ulong High)[] _values = [];
    private ulong _trail;
    private int _clock;
    private ulong _moving;

    /// <summary>Schedules whose order of accesses was new.</summary>
    public int DistinctSchedules => _seen.Count;

    /// <summary>Accesses of all schedules together.</summary>
    public long Steps { get; private set; }

    /// <summary>Threads that have taken a step in some schedule.</summary>
    public int MovingThreads => System.Numerics.BitOperations.PopCount(_moving);

    /// <summary>The first error, or null.</summary>
    public ModelError? Error { get; private set; }

    public int AddLocation(ulong low, ulong high)
    {
        _initial.Add((low, high));
        return _initial.Count - 1;
    }

    public (ulong Low, ulong High) FinalOf(int location) => _values[location];

    /// <summary>Back to the initial values.</summary>
    public void BeginSchedule()
    {
        _values = [.. _initial];
        _trail = 14695981039346656037;
        _clock = 0;
        Array.Clear(_done);
        for (var thread = 0; thread < threads; thread++)
        {
            _results[thread].Clear();
            _times[thread].Clear();
        }
    }

    /// <summary>Remembers the order of accesses that this schedule had.</summary>
    public void EndSchedule() => _seen.Add(_trail);

    /// <summary>The running thread came to its end.</summary>
    public void EndThread(int thread) => _done[thread] = true;

    /// <summary>Keeps the first error: what comes after it are threads that unwind.</summary>
    public void Fail(ModelError error) => Error ??= error with { Thread = memory.Thread };

    public ulong Read(int location, MemoryOrder order, int half, Site site)
    {
        Step(location);
        return half == 1 ? _values[location].High : _values[location].Low;
    }

    public void Write(int location, ulong low, ulong high, MemoryOrder order, Site site)
    {
        Step(location);
        _values[location] = (low, high);
    }

    public (ulong Low, ulong High, bool Wrote) ReadModifyWrite(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
    {
        Step(location);
        var before = _values[location];
        if (kind == RmwKind.CompareExchange && before != (expectedLow, expectedHigh))
            return (before.Low, before.High, false);
        _values[location] = kind switch
        {
            RmwKind.CompareExchange => (desiredLow, desiredHigh),
            RmwKind.Exchange => (expectedLow, expectedHigh),
            RmwKind.Add => (before.Low + expectedLow, before.High),
            RmwKind.And => (before.Low & expectedLow, before.High),
            _ => (before.Low | expectedLow, before.High),
        };
        return (before.Low, before.High, true);
    }

    /// <summary>Nothing but a step: in a sequentially consistent memory a fence orders what is ordered.</summary>
    public void Fence(MemoryOrder order, Site site) => Step(-1);

    public int Choose(int branches, Site site) => Microsoft.Coyote.Random.Generator.Create().NextInteger(branches);

    public void Result1(ulong value) => _results[memory.Thread].Add(value);

    public ulong ResultOf(int thread, int number) => _results[thread][number];

    public int ResultCountOf(int thread) => _results[thread].Count;

    public int Position => _times[memory.Thread].Count;

    /// <summary>Real time: all of the one's operations ran before the other's. That is more than happens-before and what linearizability asks for.</summary>
    public bool HappensBefore(int thread, int events, int later, int index) =>
        events == 0 || thread == later || (index < _times[later].Count && _times[thread][events - 1] < _times[later][index]);

    public bool IsDone(int thread) => _done[thread];

    /// <summary>Nobody waits by reading something old: there is nothing old.</summary>
    public bool ReadsNewest(int thread, int first) => true;

    /// <summary>The running thread waits: it goes on when another one has taken a step, or all others are done. A schedule that only looks again and again has no end, and Coyote's are not all fair.</summary>
    public void Yield()
    {
        var state = memory.SaveThread();
        var seen = _clock;
        Microsoft.Coyote.Runtime.Operation.PauseUntil(() => _clock != seen || !_done.Where((_, thread) => thread != state.Thread).Contains(false));
        memory.RestoreThread(state);
    }

    private void Step(int location)
    {
        var state = memory.SaveThread();
        SchedulingPoint.Interleave();
        memory.RestoreThread(state);
        Steps++;
        _moving |= 1ul << state.Thread;
        _times[state.Thread].Add(_clock++);
        _trail = (_trail ^ (ulong)(((long)location << 3) | (uint)state.Thread)) * 1099511628211;
    }
}
