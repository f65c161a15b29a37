using System.Diagnostics;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Bench.Timing;

/// <summary>The calling thread and one more, which lives as long as this does: allocators that keep caches per thread keep theirs from round to round.</summary>
internal sealed class TwoThreads : IDisposable
{
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _other;
    private Action? _work;
    private int _ready;
    private int _done;

    public TwoThreads()
    {
        _other = new Thread(Loop) { IsBackground = true };
        _other.Start();
    }

    /// <summary>Nanoseconds from the moment both threads are there until both are done.</summary>
    public double Time(Action here, Action there)
    {
        Volatile.Write(ref _work, there);
        Volatile.Write(ref _done, 0);
        Volatile.Write(ref _ready, 0);
        _wake.Release();
        var spins = 0;
        while (Volatile.Read(ref _ready) == 0)
            SpinPause.Wait(ref spins);
        var start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _ready, 2);
        here();
        while (Volatile.Read(ref _done) == 0)
            SpinPause.Wait(ref spins);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    public void Dispose()
    {
        Volatile.Write(ref _work, null);
        _wake.Release();
        _other.Join();
        _wake.Dispose();
    }

    private void Loop()
    {
        for (; ; )
        {
            _wake.Wait();
            if (Volatile.Read(ref _work) is not { } work)
                return;
            Volatile.Write(ref _ready, 1);
            var spins = 0;
            while (Volatile.Read(ref _ready) != 2)
                SpinPause.Wait(ref spins);
            work();
            Volatile.Write(ref _done, 1);
        }
    }
}
