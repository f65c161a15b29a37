using System.Collections.Concurrent;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>What the threads of one soak share: the stages, the phase, the counters, the first failure.</summary>
internal sealed class SoakRun : IDisposable
{
    private static readonly Profile[] s_profiles = [Profile.Balanced, Profile.Frugal, Profile.LowLatency, Profile.LargeBuffers];

    private readonly long[] _counts = new long[Enum.GetValues<SoakCount>().Length];
    private readonly SoakStage[][] _pairs;
    private string? _failure;
    private volatile bool _isGrowing;
    private volatile bool _isWorking;

    public SoakRun(SoakPlan plan)
    {
        Plan = plan;
        var pairs = new List<SoakStage[]>();
        foreach (var profile in s_profiles)
        {
            // Both forms within each pair, the other way round in the next: each form on each system.
            var wide = CasStub.IsSupported ? CasWidth.Sixteen : CasWidth.Eight;
            var (real, simulated) = pairs.Count % 2 == 0 ? (wide, CasWidth.Eight) : (CasWidth.Eight, wide);
            pairs.Add([new SoakStage(plan, pairs.Count * 2, false, real, profile), new SoakStage(plan, (pairs.Count * 2) + 1, true, simulated, profile)]);
        }

        _pairs = [.. pairs];
        Stages = [.. pairs.SelectMany(pair => pair)];
        Active = _pairs[0];
    }

    public SoakPlan Plan { get; }

    public IReadOnlyList<SoakStage> Stages { get; }

    /// <summary>The two allocators of this cycle.</summary>
    public IReadOnlyList<SoakStage> Active { get; private set; }

    public int Cycles { get; private set; }

    /// <summary>Whether this cycle begins with a flood.</summary>
    public bool HasFlood { get; private set; }

    public bool IsGrowing => _isGrowing;

    /// <summary>False: everybody drains.</summary>
    public bool IsWorking => _isWorking && _failure is null;

    public string? Failure => Volatile.Read(ref _failure);

    /// <summary>Every thread that works, for the watcher.</summary>
    public ConcurrentDictionary<SoakBeat, bool> Beats { get; } = [];

    public long this[SoakCount count] => Interlocked.Read(ref _counts[(int)count]);

    public void Count(SoakCount count) => Interlocked.Increment(ref _counts[(int)count]);

    public void Fail(string what) => Interlocked.CompareExchange(ref _failure, what, null);

    public void Begin(int cycle)
    {
        Active = _pairs[cycle % _pairs.Length];
        HasFlood = Active.Any(stage => stage.IsNew);
        (_isGrowing, _isWorking) = (true, true);
    }

    public void Shrink() => _isGrowing = false;

    public void Stop() => _isWorking = false;

    public void EndCycle() => Cycles++;

    public void Dispose()
    {
        foreach (var stage in Stages)
            stage.Dispose();
    }
}
