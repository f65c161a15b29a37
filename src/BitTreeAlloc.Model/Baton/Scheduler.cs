using System.Numerics;
using BitTreeAlloc.Model.Reports;

namespace BitTreeAlloc.Model.Baton;

/// <summary>Picks the thread that goes on. All its choices come from the seed of the execution.</summary>
/// <param name="threads">Number of threads.</param>
/// <param name="depth">Depth of the priority strategy.</param>
internal sealed class Scheduler(int threads, int depth)
{
    private readonly int[] _priorities = new int[threads];
    private readonly int[] _changes = new int[Math.Max(0, depth - 1)];
    private readonly int[] _left = new int[threads];
    private SplitMix _random;
    private BatonStrategy _strategy;
    private int _step;
    private int _lowest;

    /// <summary>Operations of each thread in one execution, as measured.</summary>
    public int[] Expected { get; } = new int[threads];

    /// <summary>Threads that have not ended.</summary>
    public int Alive { get; private set; }

    /// <summary>Whether reads may be stale in this execution.</summary>
    public bool DrawsStale { get; private set; }

    public void Begin(ulong seed, BatonStrategy strategy)
    {
        _random = new SplitMix(seed);
        var drawn = _random.Next();
        _strategy = strategy != BatonStrategy.Portfolio ? strategy : (drawn & 3) switch
        {
            0 or 1 => BatonStrategy.Random,
            2 => BatonStrategy.Pct,
            _ => BatonStrategy.UniformWalk,
        };
        DrawsStale = (drawn >> 2 & 1) != 0 && _strategy != BatonStrategy.Sequential;
        Alive = (1 << threads) - 1;
        _step = 0;
        _lowest = 0;
        if (_strategy == BatonStrategy.Pct)
            DrawPriorities();
        Array.Copy(Expected, _left, threads);
    }

    public void End(int thread) => Alive &= ~(1 << thread);

    /// <summary>The thread that does the next operation.</summary>
    public int Pick(int running)
    {
        var next = _strategy switch
        {
            BatonStrategy.Random => NthAlive(_random.Below(BitOperations.PopCount((uint)Alive))),
            BatonStrategy.Pct => PickByPriority(running),
            BatonStrategy.UniformWalk => PickByWeight(),
            _ => BitOperations.TrailingZeroCount(Alive),
        };
        _left[next]--;
        return next;
    }

    public int Below(int count) => _random.Below(count);

    /// <summary>The thread waits: it goes behind the others.</summary>
    public void Yield(int thread) => _priorities[thread] = --_lowest;

    private void DrawPriorities()
    {
        var total = 0;
        for (var thread = 0; thread < threads; thread++)
        {
            var other = _random.Below(thread + 1);
            _priorities[thread] = _priorities[other];
            _priorities[other] = thread + 1;
            total += Expected[thread];
        }

        for (var change = 0; change < _changes.Length; change++)
            _changes[change] = _random.Below(Math.Max(1, total));
    }

    private int PickByPriority(int running)
    {
        foreach (var change in _changes)
        {
            if (change == _step && running >= 0)
                _priorities[running] = --_lowest;
        }

        _step++;
        var best = -1;
        for (var thread = 0; thread < threads; thread++)
        {
            if ((Alive >> thread & 1) != 0 && (best < 0 || _priorities[thread] > _priorities[best]))
                best = thread;
        }

        return best;
    }

    private int PickByWeight()
    {
        var total = 0;
        for (var thread = 0; thread < threads; thread++)
            total += (Alive >> thread & 1) != 0 ? Math.Max(1, _left[thread]) : 0;
        var drawn = _random.Below(total);
        for (var thread = 0; thread < threads; thread++)
        {
            if ((Alive >> thread & 1) == 0)
                continue;
            drawn -= Math.Max(1, _left[thread]);
            if (drawn < 0)
                return thread;
        }

        return BitOperations.TrailingZeroCount(Alive);
    }

    private int NthAlive(int number)
    {
        var alive = Alive;
        for (; number > 0; number--)
            alive &= alive - 1;
        return BitOperations.TrailingZeroCount(alive);
    }
}
