using System.Diagnostics;
using BitTreeAlloc.Bench.Timing;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>One side in one loop: what it holds, its check, its rounds.</summary>
internal sealed unsafe class LoopRun : IDisposable
{
    private readonly TwinLoop _loop;
    private readonly LoopSide _side;
    private readonly TwoThreads _threads;
    private readonly LoopPlan _plan;
    private bool _isFilled;

    public LoopRun(TwinLoop loop, LoopSide side, TwoThreads threads)
    {
        (_loop, _side, _threads, _plan) = (loop, side, threads, loop.Draw());
        Check();
    }

    /// <summary>The row's name.</summary>
    public string Name => _side.Name;

    /// <summary>Nanoseconds per operation of one round.</summary>
    public double Round()
    {
        Fill(checks: false);
        return Time(checks: false) / _loop.Operations;
    }

    public void Dispose()
    {
        Drain(checks: false);
        _plan.Dispose();
    }

    /// <summary>A round with whole contents.</summary>
    private void Check()
    {
        Fill(checks: true);
        _ = Time(checks: true);
        Drain(checks: true);
    }

    private double Time(bool checks)
    {
        ulong bad = 0, other = 0;
        double took;
        if (_loop.Bodies.Length == 1)
        {
            var start = Stopwatch.GetTimestamp();
            bad = _side.Run(_loop.Bodies[0], 0, _plan[0], _loop.Operations, checks);
            took = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        }
        else
        {
            took = _threads.Time(
                () => bad = _side.Run(_loop.Bodies[0], 0, _plan[0], _loop.Operations, checks),
                () => other = _side.Run(_loop.Bodies[1], 1, _plan[_plan.Threads - 1], _loop.Operations, checks));
        }

        Judge(bad + other);
        return took;
    }

    private void Fill(bool checks)
    {
        if (!_isFilled && _loop.Fill is { } fill)
            Judge(_side.Run(fill, 0, _plan[0], _plan[0]->Count, checks));
        _isFilled = true;
    }

    private void Drain(bool checks)
    {
        if (_isFilled && _loop.Drain is { } drain)
            Judge(_side.Run(drain, 0, _plan[0], _plan[0]->Count, checks));
        _isFilled = false;
    }

    private void Judge(ulong bad)
    {
        if (bad != 0)
            throw new TwinException($"{_loop.Name}, {Name}: {bad} buffers had other contents than what had been written; its times mean nothing");
    }
}
