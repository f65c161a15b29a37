using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;
using Microsoft.Coyote.Runtime;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>
/// Owns: the model's locations as plain values, under Coyote's scheduler: every operation is a scheduling point and then one step, so what is explored are sequentially consistent interleavings.
/// Invariants: I-Y1 exactly one controlled thread runs between two scheduling points. I-Y2 a schedule begins from the initial values.
/// Callers: the model's atomics, on controlled threads; <see cref="CoyoteExplorer"/>. Checked by: CoyoteGuardTests.
/// </summary>
/// <remarks>Rejected: rewriting the assemblies. The seam is where a scheduling point belongs, and what runs stays what ships.</remarks>
internal sealed class CoyoteEngine(int threads) : IModelEngine, IRunEngine
{
    [ThreadStatic]
    private static int t_thread;

    private readonly List<(ulong Low, ulong High)> _initial = [];
    private readonly List<ulong>[] _results = [.. Enumerable.Range(0, threads).Select(_ => new List<ulong>())];
    private readonly HashSet<ulong> _seen = [];
    private (ulong Low, ulong High)[] _values = [];
    private ulong _trail;

    /// <summary>Schedules whose order of accesses was new.</summary>
    public int DistinctSchedules => _seen.Count;

    /// <summary>Accesses of all schedules together.</summary>
    public long Steps { get; private set; }

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
        foreach (var results in _results)
            results.Clear();
    }

    /// <summary>Remembers the order of accesses that this schedule had.</summary>
    public void EndSchedule() => _seen.Add(_trail);

    /// <summary>Binds the operating system's thread to a thread of the scenario.</summary>
    public static void BeginThread(int thread) => t_thread = thread;

    /// <summary>Keeps the first error: what comes after it are threads that unwind.</summary>
    public void Fail(ModelError error) => Error ??= error with { Thread = t_thread };

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

    /// <summary>Nothing: in a sequentially consistent memory a fence orders what is ordered.</summary>
    public void Fence(MemoryOrder order, Site site)
    {
    }

    public int Choose(int branches, Site site) => Microsoft.Coyote.Random.Generator.Create().NextInteger(branches);

    public void Result1(ulong value) => _results[t_thread].Add(value);

    public ulong ResultOf(int thread, int number) => _results[thread][number];

    public int ResultCountOf(int thread) => _results[thread].Count;

    private void Step(int location)
    {
        SchedulingPoint.Interleave();
        Steps++;
        _trail = (_trail ^ (ulong)((location << 3) | t_thread)) * 1099511628211;
    }
}
