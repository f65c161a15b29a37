using System.Runtime.ExceptionServices;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>Threads that stay: allocators keep caches per thread, which a new thread per round would lose. One is the caller's own thread.</summary>
internal sealed class ThreadTeam : IDisposable
{
    private readonly int _threads;
    private readonly Barrier? _barrier;
    private readonly Thread[] _workers = [];
    private Action<int> _work = _ => { };
    private ExceptionDispatchInfo? _failure;
    private bool _stop;

    public ThreadTeam(int threads)
    {
        _threads = threads;
        if (threads == 1)
            return;
        _barrier = new Barrier(threads + 1);
        _workers = new Thread[threads];
        for (var t = 0; t < threads; t++)
        {
            var own = t;
            _workers[t] = new Thread(() => Body(own)) { IsBackground = true, Name = $"bench {t}" };
            _workers[t].Start();
        }
    }

    /// <summary>Calls <paramref name="work"/> on each thread with its number; returns when all are done. What one threw is thrown here.</summary>
    public void Run(Action<int> work)
    {
        if (_threads == 1)
        {
            work(0);
            return;
        }

        (_work, _failure) = (work, null);
        _barrier!.SignalAndWait();
        _barrier.SignalAndWait();
        _failure?.Throw();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_barrier is null)
            return;
        _stop = true;
        _barrier.SignalAndWait();
        foreach (var worker in _workers)
            worker.Join();
        _barrier.Dispose();
    }

    private void Body(int thread)
    {
        while (true)
        {
            _barrier!.SignalAndWait();
            if (_stop)
                return;
            try
            {
                _work(thread);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }

            _barrier.SignalAndWait();
        }
    }
}
