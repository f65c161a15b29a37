using System.Diagnostics;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Traces;
using BitTreeAlloc.Tool.Verify;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>An allocator under test, with every loop compiled for its adapter.</summary>
/// <typeparam name="TAdapter">The adapter.</typeparam>
/// <param name="name">Name in the table and in the JSON file.</param>
/// <param name="profile">Memory policy; null for allocators that have none.</param>
/// <param name="level">How much is checked; null for allocators that have no levels.</param>
/// <param name="open">Opens the allocator.</param>
/// <param name="isInstance">True where each call of <paramref name="open"/> makes a new allocator that <c>Close</c> ends without a trace.</param>
internal sealed class ContenderOf<TAdapter>(string name, Profile? profile, Level? level, Func<TAdapter> open, bool isInstance) : Contender(name, profile, level)
    where TAdapter : struct, IAllocatorAdapter<TAdapter>
{
    /// <inheritdoc/>
    public override unsafe VerifyOutcome Verify(Workload workload)
    {
        var state = new VerifyState(workload);
        var requested = new ulong[state.Seeds.Length];
        var adapters = OpenAll(open(), workload.Threads);
        var handlers = new VerifyHandler<TAdapter>[adapters.Length];
        for (var t = 0; t < handlers.Length; t++)
            handlers[t] = new VerifyHandler<TAdapter>(adapters[t], state, requested, workload.Plan?.Threads[t].Numbers);
        Execute(workload, handlers);

        foreach (ref var handler in handlers.AsSpan())
            handler.Adapter.CloseThread();
        var leftOver = adapters[0].LeftOver();
        if (leftOver == 0)
            adapters[0].Close();
        return new VerifyOutcome(state.Log.Errors, leftOver, state.Log.First);
    }

    /// <inheritdoc/>
    public override TimedSeries StartTiming(Workload workload) => new Series(workload, open());

    /// <inheritdoc/>
    public override MemoryFigures MeasureMemory(Workload workload)
    {
        using var rss = new RssReader();

        // The runtime compiles what it meets for the first time, and that is not the allocator's growth: an instance of the same allocator runs
        // the whole trace first and is disposed of. Where there are no instances, compiling the loop and the calls is all that can be done.
        if (isInstance)
            Measure(workload, rss, warmUp: true);
        return Measure(workload, rss, warmUp: false);
    }

    /// <inheritdoc/>
    public override unsafe ColdFigures MeasureCold(Workload workload)
    {
        // What the runtime compiles at first use is not the allocator's start. An instance can be left behind; a heap of the whole process must stay as cold as can be.
        using (var warm = new Series(new Workload(isInstance ? SyntheticTrace.Make(SyntheticTrace.Start) : SyntheticTrace.Make(SyntheticTrace.Tiny), ReplayMode.Serial), open()))
        {
            _ = warm.Round();
            _ = warm.Round();
        }

        var empty = new PlainHandler<NoOpAdapter, FirstByte>(default, default, workload.Slots);
        SerialRun.Execute(ref empty, workload.Trace.Events);
        using var series = new Series(workload, open());
        var (faults, calls, slow) = (ThreadFaults.Read(), series.OsCalls(), series.SlowPaths());
        var nanoseconds = series.Round();
        return new ColdFigures(nanoseconds, ThreadFaults.Read() - faults, series.OsCalls() - calls, series.SlowPaths() - slow);
    }

    private unsafe MemoryFigures Measure(Workload workload, RssReader rss, bool warmUp)
    {
        var samplers = new RssSampler[workload.Threads];
        for (var t = 0; t < samplers.Length; t++)
            samplers[t] = new RssSampler(rss);
        var handlers = new PlainHandler<TAdapter, EveryByte>[samplers.Length];
        if (workload.Plan is null)
            SerialRun.Execute(ref handlers[0], []);
        else
            new ParallelRun<PlainHandler<TAdapter, EveryByte>>(workload.Plan.WithoutEvents(), handlers).Execute();
        if (!warmUp)
            RssReader.Settle();

        // From here on until the last reading nothing is allocated on the GC heap but the adapters' own handles.
        var start = rss.Read();
        var adapters = OpenAll(open(), handlers.Length);
        for (var t = 0; t < handlers.Length; t++)
            handlers[t] = new PlainHandler<TAdapter, EveryByte>(adapters[t], new EveryByte(samplers[t]), workload.Slots);
        Execute(workload, handlers);
        var afterFree = rss.Read();
        var peak = Math.Max(afterFree, samplers.Max(s => s.Peak));
        foreach (ref var handler in handlers.AsSpan())
            handler.Adapter.CloseThread();
        adapters[0].Trim();
        var afterTrim = rss.Read();
        adapters[0].Close();
        return new MemoryFigures(peak - start, afterFree - start, afterTrim - start);
    }

    private static void Execute<THandler>(Workload workload, THandler[] handlers)
        where THandler : struct, IEventHandler
    {
        if (workload.Plan is null)
            SerialRun.Execute(ref handlers[0], workload.Trace.Events);
        else
            new ParallelRun<THandler>(workload.Plan, handlers).Execute();
    }

    private static TAdapter[] OpenAll(TAdapter first, int threads)
    {
        var adapters = new TAdapter[threads];
        adapters[0] = first;
        for (var t = 1; t < threads; t++)
            adapters[t] = first.ForThread();
        return adapters;
    }

    private sealed class Series(Workload workload, TAdapter first) : TimedSeries
    {
        private readonly TAdapter[] _adapters = OpenAll(first, workload.Threads);
        private bool _finished;

        public override unsafe double Round()
        {
            var handlers = new PlainHandler<TAdapter, FirstByte>[_adapters.Length];
            for (var t = 0; t < handlers.Length; t++)
                handlers[t] = new PlainHandler<TAdapter, FirstByte>(_adapters[t], default, workload.Slots);
            var ticks = workload.Plan is null
                ? SerialRun.Execute(ref handlers[0], workload.Trace.Events)
                : new ParallelRun<PlainHandler<TAdapter, FirstByte>>(workload.Plan, handlers).Execute();

            // A cache that bound itself on first use must not be lost with the copy.
            for (var t = 0; t < handlers.Length; t++)
                _adapters[t] = handlers[t].Adapter;
            return ticks * (1e9 / Stopwatch.Frequency);
        }

        public override long? OsCalls() => _adapters[0].OsCalls();

        public override long? SlowPaths() => _adapters[0].SlowPaths();

        public override long Finish()
        {
            _finished = true;
            foreach (ref var adapter in _adapters.AsSpan())
                adapter.CloseThread();
            return _adapters[0].LeftOver();
        }

        public override void Dispose()
        {
            if (!_finished)
                _ = Finish();
            _adapters[0].Close();
        }
    }
}
