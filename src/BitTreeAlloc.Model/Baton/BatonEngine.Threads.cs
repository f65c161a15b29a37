using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Baton;

/// <summary>
/// The threads and the baton. They live as long as the engine; the one that ends an execution checks it and begins the next, so that nobody else has to wake up in between.
/// A hand-over is one store where the other still looks. Who waits yields a few times, then sleeps. Rejected: spinning first, which on a busy machine uses up the slice that the running thread
/// needs (3 threads, 2 cores, load 10: 64 spins before the yields gave 900 executions/s, none gave 11 000).
/// </summary>
internal sealed partial class BatonEngine
{
    private const int Nobody = -1;
    private const int Yields = 16;

    private readonly ManualResetEventSlim _finished = new(false);
    private readonly int[] _operationsOf;
    private Seat[] _seats = [];
    private Thread[] _threads = [];
    private int _turn = Nobody;
    private volatile bool _closing;
    private bool _aborting;
    private ulong _seed;
    private long _left;
    private ulong _stride;

    /// <summary>The error of the last execution, or null.</summary>
    public ModelError? Error { get; private set; }

    /// <summary>Executions that ended since <see cref="RunSeeds"/> began.</summary>
    public long Executions { get; private set; }

    /// <summary>Seed of the last execution.</summary>
    public ulong LastSeed { get; private set; }

    /// <summary>Strategy of the last execution.</summary>
    public BatonStrategy LastStrategy { get; private set; }

    /// <summary>Runs executions until one fails.</summary>
    public void RunSeeds(ulong first, ulong stride, long count, BatonStrategy strategy)
    {
        (_seed, _stride, _left, LastStrategy) = (first, stride, count, strategy);
        Executions = 0;
        Error = null;
        _finished.Reset();
        BeginNext();
        _finished.Wait();
    }

    public void Dispose()
    {
        _closing = true;
        foreach (var seat in _seats)
            seat.WakeUp.Release();
        foreach (var thread in _threads)
            thread.Join();
        _finished.Dispose();
        _words.FreeNatives();
    }

    private void StartThreads()
    {
        _seats = [.. Enumerable.Range(0, _scenario.Threads).Select(_ => new Seat())];
        _threads = new Thread[_scenario.Threads];
        for (var number = 0; number < _threads.Length; number++)
        {
            var me = number;
            _threads[number] = new Thread(() => Live(me)) { IsBackground = true, Name = $"baton {me}" };
            _threads[number].Start();
        }
    }

    /// <summary>Operations of each thread, taken from one execution in which the threads follow one another.</summary>
    private void Measure()
    {
        RunSeeds(0, 0, 1, BatonStrategy.Sequential);
        for (var thread = 0; thread < _scenario.Threads; thread++)
            _scheduler.Expected[thread] = Math.Max(1, _operationsOf[thread]);
    }

    private void Live(int me)
    {
        ModelMemory.Enter(_words);
        while (Wait(me))
        {
            RunBody(me);
            _scheduler.End(me);
            if (_scheduler.Alive != 0)
                HandTo(_scheduler.Pick(me));
            else
                EndExecution();
        }
    }

    private void RunBody(int me)
    {
        try
        {
            _words.BeginThread(me, restores: false);
            _scenario.Body(_runs[me], me);
        }
        catch (ThreadStoppedException)
        {
            // Another thread found an error.
        }
        catch (ModelErrorException error)
        {
            Abort(error.Error with { Thread = me });
        }
        catch (NullReferenceException raw)
        {
            Abort(new ModelError(ModelErrorKind.WildPointer, "a raw access to model memory, past the seam") { Thread = me, Stack = raw.StackTrace });
        }
        catch (Exception other)
        {
            Abort(new ModelError(ModelErrorKind.Assertion, $"{other.GetType().Name}: {other.Message}") { Thread = me, Stack = other.StackTrace });
        }
    }

    private void Abort(ModelError error)
    {
        Error ??= error;
        _aborting = true;
    }

    private void EndExecution()
    {
        Executions++;
        if (Error == null)
        {
            try
            {
                _words.Inspect(() => _scenario.Check(_runs[0]));
                AtEnd?.Invoke();
            }
            catch (ModelErrorException error)
            {
                // The graph engine runs the check on the last thread.
                Error = error.Error with { Thread = _scenario.Threads - 1 };
            }
            catch (Exception other)
            {
                Error = new ModelError(ModelErrorKind.Assertion, $"{other.GetType().Name}: {other.Message}") { Thread = _scenario.Threads - 1, Stack = other.StackTrace };
            }
        }

        BeginNext();
    }

    private void BeginNext()
    {
        if (_left-- == 0 || Error != null)
        {
            HandTo(Nobody);
            _finished.Set();
            return;
        }

        LastSeed = _seed;
        _seed += _stride;
        _aborting = false;
        _operations = 0;
        Array.Clear(_operationsOf);
        foreach (var results in _results)
            results.Clear();
        _memory.Reset();
        _words.RestorePrivates();
        _scheduler.Begin(LastSeed, LastStrategy);
        _stale = _scheduler.DrawsStale && _options.Model == MemoryModel.Rc11;
        HandTo(_scheduler.Pick(Nobody));
    }

    /// <summary>Before each operation: perhaps another thread goes on first. Returns the running thread.</summary>
    private int Point()
    {
        if (_aborting)
            throw ThreadStoppedException.Instance;
        var me = _turn;
        _operationsOf[me]++;
        if (++_operations > _options.MaxOperations)
            throw new ModelErrorException(ModelErrorKind.Livelock, $"no end after {_options.MaxOperations} operations");
        var next = _scheduler.Pick(me);
        if (next == me)
            return me;
        var state = _words.SaveThread();
        HandTo(next);
        if (!Wait(me) || _aborting)
            throw ThreadStoppedException.Instance;
        _words.RestoreThread(state);
        return me;
    }

    /// <summary>Gives the baton away.</summary>
    private void HandTo(int next)
    {
        // A full fence between the baton and the look at who sleeps; the sleeper does both the other way round.
        Interlocked.Exchange(ref _turn, next);
        if (next != Nobody && _seats[next].IsAsleep != 0 && Interlocked.Exchange(ref _seats[next].IsAsleep, 0) != 0)
            _seats[next].WakeUp.Release();
    }

    /// <summary>Waits for the baton; false when the engine closes.</summary>
    private bool Wait(int me)
    {
        for (var looks = 0; Volatile.Read(ref _turn) != me; looks++)
        {
            if (_closing)
                return false;
            if (looks < Yields)
                Thread.Yield();
            else
                Sleep(me);
        }

        return true;
    }

    private void Sleep(int me)
    {
        var seat = _seats[me];
        Interlocked.Exchange(ref seat.IsAsleep, 1);
        if ((_turn == me || _closing) && Interlocked.Exchange(ref seat.IsAsleep, 0) != 0)
            return;
        seat.WakeUp.Wait();
    }

    private sealed class Seat
    {
        public int IsAsleep;

        public SemaphoreSlim WakeUp { get; } = new(0);
    }
}
