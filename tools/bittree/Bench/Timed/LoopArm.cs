using System.Diagnostics;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>What one round of one contender has measured.</summary>
/// <param name="NsPerOp">Nanoseconds that a thread spent per operation; see <see cref="TimedLoop.Makers"/> for loops whose threads differ.</param>
/// <param name="Operations">Of all threads and parts.</param>
/// <param name="Faults">Page faults of the threads; null where the system does not tell.</param>
/// <param name="OsCalls">Calls of the operating system; null where the contender does not count them.</param>
/// <param name="SlowPaths">Times a magazine was filled or went home; null where the contender does not count them.</param>
/// <param name="Parts">The time of each part.</param>
internal readonly record struct LoopSample(double NsPerOp, long Operations, long? Faults, long? OsCalls, long? SlowPaths = null, double[]? Parts = null);

/// <summary>One contender of a loop: its threads, its warm-up, its rounds.</summary>
internal sealed class LoopArm : IDisposable
{
    private const long MostOperations = 1L << 32;

    private static readonly double s_nanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    private readonly TimedLoop _loop;
    private readonly LoopBody[] _bodies;
    private readonly ThreadTeam _team;
    private readonly TimeSpan _target;
    private long _operations;
    private double _wall;
    private long? _faults;
    private bool _failed;

    /// <param name="loop">The loop.</param>
    /// <param name="bodies">Its parts.</param>
    /// <param name="target">How long a round should be, and each of the two parts of the warm-up at least.</param>
    public LoopArm(TimedLoop loop, LoopBody[] bodies, TimeSpan target)
    {
        (_loop, _bodies, _target, _operations) = (loop, bodies, target, loop.Granule);
        _team = new ThreadTeam(bodies.Length);
    }

    /// <summary>Operations before the first round, of all threads.</summary>
    public long WarmUpOperations { get; private set; }

    /// <summary>Runs with every check, then without, until it is known how many operations fill a round.</summary>
    public void WarmUp() => Guard(() =>
    {
        Verify();
        while (true)
        {
            var sample = Measure(-1, _operations);
            WarmUpOperations += sample.Operations;
            var wanted = _operations * _target.TotalNanoseconds / Math.Max(1, _wall);
            var enough = _wall >= _target.TotalNanoseconds / 4 || _operations >= MostOperations;
            var granule = _loop.Granule;
            _operations = granule * (long)Math.Clamp(Math.Round(Math.Min(wanted, _operations * 64.0) / granule), 1, MostOperations / granule);
            if (enough)
                return;
        }
    });

    /// <summary>One round.</summary>
    public LoopSample Round(int round)
    {
        LoopSample sample = default;
        Guard(() => sample = Measure(round, _operations));
        return sample;
    }

    /// <summary>Ends the threads and the contender; after a failure its memory is in no known state, and is left.</summary>
    public void Dispose()
    {
        _team.Dispose();
        if (_failed)
            return;
        foreach (var body in _bodies)
            body.CloseThread();
        _bodies[0].Close();
    }

    private void Verify()
    {
        var start = Stopwatch.GetTimestamp();
        _team.Run(t => _bodies[t].Begin(-1, verify: true));
        do
        {
            for (var part = 0; part < _loop.Parts; part++)
            {
                Select(part);
                _team.Run(t => _bodies[t].RunOrStop(_bodies, _loop.Granule));
                WarmUpOperations += (long)_loop.Granule * _loop.Makers;
            }
        }
        while (Stopwatch.GetElapsedTime(start) < _target);
        _team.Run(t => _bodies[t].End());
    }

    private LoopSample Measure(int round, long operations)
    {
        var parts = new double[_loop.Parts];
        _wall = 0;
        _faults = 0;
        _team.Run(t => _bodies[t].Begin(round, verify: false));
        var (calls, slow) = (_bodies[0].OsCalls(), _bodies[0].SlowPaths());
        for (var part = 0; part < parts.Length; part++)
        {
            Select(part);
            parts[part] = Time(operations);
        }

        (calls, slow) = (_bodies[0].OsCalls() - calls, _bodies[0].SlowPaths() - slow);
        _team.Run(t => _bodies[t].End());
        return new LoopSample(_loop.TimeOf(parts), operations * _loop.Makers * parts.Length, _faults, calls, slow, parts);
    }

    // Nanoseconds per operation; adds to the wall time and to the faults.
    private double Time(long operations)
    {
        var threads = _bodies.Length;
        var (starts, ends, faults) = (new long[threads], new long[threads], new long?[threads]);
        _team.Run(t =>
        {
            var before = _bodies[t].Faults();
            starts[t] = Stopwatch.GetTimestamp();
            _bodies[t].RunOrStop(_bodies, operations);
            ends[t] = Stopwatch.GetTimestamp();
            faults[t] = _bodies[t].Faults() - before;
        });
        _faults += faults.All(count => count is not null) ? faults.Sum() : null;
        var wall = (ends.Max() - starts.Min()) * s_nanosecondsPerTick;
        _wall += wall;
        return _loop.Makers < threads ? wall / (operations * _loop.Makers) : ends.Zip(starts, (end, start) => end - start).Average() * s_nanosecondsPerTick / operations;
    }

    private void Select(int part)
    {
        if (_loop.Parts > 1)
            _team.Run(t => _bodies[t].Select(part));
    }

    private void Guard(Action work)
    {
        _failed = true;
        work();
        _failed = false;
    }
}
