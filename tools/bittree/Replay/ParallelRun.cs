using System.Diagnostics;
using System.Runtime.ExceptionServices;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>The trace's threads as threads. A failure on one ends the others, which would wait for it for ever.</summary>
internal sealed class ParallelRun<THandler>
    where THandler : struct, IEventHandler
{
    // One counter per 128 bytes: adjacent lines are fetched in pairs.
    private const int Stride = 16;

    private readonly ParallelPlan _plan;
    private readonly THandler[] _handlers;
    private readonly long[] _progress;
    private readonly long[] _finished;
    private volatile ExceptionDispatchInfo? _failure;

    /// <summary>Prepares a run of <paramref name="plan"/>, thread t through <c>handlers[t]</c>.</summary>
    public ParallelRun(ParallelPlan plan, THandler[] handlers)
    {
        _plan = plan;
        _handlers = handlers;
        _progress = new long[(plan.Threads.Length + 1) * Stride];
        _finished = new long[plan.Threads.Length];
    }

    /// <summary>Runs once; returns the ticks from the common start to the end of the last thread.</summary>
    /// <param name="beforeStart">Called when all threads exist and wait for the start.</param>
    public long Execute(Action? beforeStart = null)
    {
        using var ready = new CountdownEvent(_handlers.Length);
        using var go = new ManualResetEventSlim();
        var threads = new Thread[_handlers.Length];
        for (var t = 0; t < threads.Length; t++)
        {
            var own = t;
            threads[t] = new Thread(() => Body(own, ready, go)) { IsBackground = true, Name = $"replay {t}" };
            threads[t].Start();
        }

        ready.Wait();
        beforeStart?.Invoke();
        var start = Stopwatch.GetTimestamp();
        go.Set();
        foreach (var thread in threads)
            thread.Join();
        _failure?.Throw();
        return _finished.Max() - start;
    }

    private void Body(int thread, CountdownEvent ready, ManualResetEventSlim go)
    {
        ready.Signal();
        go.Wait();
        try
        {
            var count = _plan.Threads[thread].Events.Length;
            var wait = 0;
            var from = 0;
            do
            {
                wait = Loop(thread, from, Math.Min(from + SerialRun.Segment, count), wait);
                from += SerialRun.Segment;
            }
            while (from < count);
        }
        catch (Exception e)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
        }

        _finished[thread] = Stopwatch.GetTimestamp();
    }

    private int Loop(int thread, int from, int to, int wait)
    {
        var plan = _plan.Threads[thread];
        var events = plan.Events;
        ref var handler = ref _handlers[thread];
        ref var done = ref _progress[(thread + 1) * Stride];
        for (var i = from; i < to; i++)
        {
            ref readonly var e = ref events[i];
            var flags = (PlanFlags)e.Thread;
            if ((flags & PlanFlags.Wait) != 0)
                WaitFor(plan.Waits[wait++]);
            handler.Handle(in e, i);

            // order: release, so that the thread that sees the count also sees the slot's pointer and content.
            if ((flags & PlanFlags.Publish) != 0)
                Volatile.Write(ref done, i + 1);
        }

        return wait;
    }

    private void WaitFor(Dependency dependency)
    {
        ref var done = ref _progress[(dependency.Thread + 1) * Stride];
        var spin = new SpinWait();

        // order: acquire, the partner of the release in Loop.
        while (Volatile.Read(ref done) <= dependency.Index)
        {
            if (_failure is not null)
                throw new OperationCanceledException("another thread of the replay failed");
            spin.SpinOnce(sleep1Threshold: 1000);
        }
    }
}
