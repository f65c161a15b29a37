using System.Diagnostics;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>What one round of one contender has measured.</summary>
/// <param name="NsPerOp">Nanoseconds that a thread spent per operation.</param>
/// <param name="Operations">Of all threads.</param>
/// <param name="Faults">Page faults of the threads; null where the system does not tell.</param>
/// <param name="OsCalls">Calls of the operating system; null where the contender does not count them.</param>
internal readonly record struct LoopSample(double NsPerOp, long Operations, long? Faults, long? OsCalls);

/// <summary>One contender of a loop: its threads, its warm-up, its rounds.</summary>
internal sealed class LoopArm : IDisposable
{
    private const long MostOperations = 1L << 32;

    private readonly int _granule;
    private readonly LoopBody[] _bodies;
    private readonly ThreadTeam _team;
    private readonly TimeSpan _target;
    private long _operations;
    private bool _failed;

    /// <param name="loop">The loop.</param>
    /// <param name="bodies">Its parts.</param>
    /// <param name="target">How long a round should be, and each of the two parts of the warm-up at least.</param>
    public LoopArm(TimedLoop loop, LoopBody[] bodies, TimeSpan target)
    {
        (_granule, _bodies, _target, _operations) = (loop.Granule, bodies, target, loop.Granule);
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
            var took = sample.NsPerOp * _operations;
            var wanted = _operations * _target.TotalNanoseconds / Math.Max(1, took);
            var enough = took >= _target.TotalNanoseconds / 4 || _operations >= MostOperations;
            _operations = _granule * (long)Math.Clamp(Math.Round(Math.Min(wanted, _operations * 64.0) / _granule), 1, MostOperations / _granule);
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
        var counts = new long[_bodies.Length];
        _team.Run(t =>
        {
            var start = Stopwatch.GetTimestamp();
            _bodies[t].Begin(-1, verify: true);
            do
            {
                _bodies[t].Run(_granule);
                counts[t] += _granule;
            }
            while (Stopwatch.GetElapsedTime(start) < _target);
            _bodies[t].End();
        });
        WarmUpOperations += counts.Sum();
    }

    private LoopSample Measure(int round, long operations)
    {
        var ticks = new long[_bodies.Length];
        var faults = new long?[_bodies.Length];
        _team.Run(t => _bodies[t].Begin(round, verify: false));
        var calls = _bodies[0].OsCalls();
        _team.Run(t =>
        {
            var before = ThreadFaults.Read();
            var start = Stopwatch.GetTimestamp();
            _bodies[t].Run(operations);
            ticks[t] = Stopwatch.GetTimestamp() - start;
            faults[t] = ThreadFaults.Read() - before;
        });
        calls = _bodies[0].OsCalls() - calls;
        _team.Run(t => _bodies[t].End());
        var mean = ticks.Average() * (1e9 / Stopwatch.Frequency) / operations;
        return new LoopSample(mean, operations * _bodies.Length, faults.All(count => count is not null) ? faults.Sum() : null, calls);
    }

    private void Guard(Action work)
    {
        _failed = true;
        work();
        _failed = false;
    }
}
