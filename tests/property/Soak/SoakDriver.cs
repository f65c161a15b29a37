using System.Diagnostics;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>
/// Runs a soak: cycles of growth, shrink and rest, each on one allocator of the real system and one of a simulated system that refuses. At rest nothing is live, every cache is flushed, and
/// the committed bytes are noted. The calling thread works on nothing: it watches, so that a thread that hangs is named.
/// </summary>
internal sealed class SoakDriver
{
    private readonly SoakRun _run;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Barrier _barrier;
    private readonly Random _random;
    private volatile bool _isOver;

    private SoakDriver(SoakPlan plan)
    {
        _run = new SoakRun(plan);
        _random = new Random(plan.Seed);
        _barrier = new Barrier(plan.Workers + 2);
    }

    public static SoakReport Run(SoakPlan plan) => new SoakDriver(plan).Watch();

    private SoakReport Watch()
    {
        var plan = _run.Plan;
        var threads = Enumerable.Range(0, plan.Workers).Select(number => Start($"worker {number}", Worker)).ToList();
        threads.Add(Start("births", Births));
        threads.Add(Start("director", Direct));
        var (said, isHanging) = (_clock.Elapsed, false);
        while (!isHanging && !threads.TrueForAll(thread => thread.Join(20)))
        {
            if (_run.Beats.Keys.Any(beat => beat.Still() > plan.Hang))
            {
                // Its threads are left to themselves: they are beyond joining, and what they use stays open.
                _run.Fail("hang: " + string.Join("; ", _run.Beats.Keys.Select(beat => $"{beat.Name}: {beat.At}, for {beat.Still().TotalSeconds:0.0} s")));
                isHanging = true;
            }

            if (_clock.Elapsed - said < plan.Progress)
                continue;
            said = _clock.Elapsed;
            plan.Say($"soak: {SoakReport.FiguresOf(_run, _clock.Elapsed)}");
        }

        if (!isHanging)
            Guard(new SoakBeat("disposing"), _run.Dispose);
        return new SoakReport(_run, _clock.Elapsed);
    }

    private Thread Start(string name, Action<SoakBeat, Random> work)
    {
        var beat = new SoakBeat(name);
        _run.Beats[beat] = true;
        var random = new Random(_random.Next());
        var thread = new Thread(() => work(beat, random)) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private void Worker(SoakBeat beat, Random random)
    {
        var lane = new SoakLane(_run, beat, random);
        while (Meet(beat))
        {
            if (_run.HasFlood)
                Meet(beat, lane.Flood);
            Guard(beat, () =>
            {
                while (_run.IsWorking)
                    lane.Step();
                lane.Drain(disposeAll: false);
            });
            Meet(beat);
            Meet(beat, () => Trim(beat));
        }

        Guard(beat, () => lane.Drain(disposeAll: true));
        beat.At = SoakBeat.Waiting;
    }

    private void Births(SoakBeat beat, Random random)
    {
        var births = new SoakBirths(_run, beat, random);
        while (Meet(beat))
        {
            if (_run.HasFlood)
                Meet(beat);
            Guard(beat, births.Work);
            Meet(beat);
            Meet(beat);
        }
    }

    private void Direct(SoakBeat beat, Random random)
    {
        var last = new SoakLane(_run, beat, random) { AmbientOfTen = 0 };
        for (var cycle = 0; ; cycle++)
        {
            _run.Begin(cycle);
            _isOver = _clock.Elapsed >= _run.Plan.Duration || _run.Failure is not null;
            if (!Meet(beat))
                return;
            if (_run.HasFlood)
                Meet(beat);
            beat.At = "disturbing the system";
            var start = _clock.Elapsed;
            while (_run.IsWorking && _clock.Elapsed - start < _run.Plan.Cycle)
            {
                beat.Tick();
                if (_clock.Elapsed - start > _run.Plan.Cycle * 0.6)
                    _run.Shrink();
                foreach (var stage in _run.Active)
                    stage.Disturb(random);
                Thread.Sleep(random.Next(1, 8));
            }

            _run.Stop();
            Meet(beat);
            Guard(beat, () => Collect(beat, last));
            Meet(beat, () => Trim(beat));
            Guard(beat, () => Rest(beat, cycle));
        }
    }

    /// <summary>All others wait: what lies between threads goes back, and the caches of dead threads.</summary>
    private void Collect(SoakBeat beat, SoakLane lane)
    {
        beat.At = "emptying the exchange";
        foreach (var stage in _run.Active)
        {
            stage.Calm();
            for (var i = 0; i < stage.Exchange.Length; i++)
                if (Interlocked.Exchange(ref stage.Exchange[i], null) is { } block)
                    lane.Free(block);
            for (var i = 0; i < stage.Caches.Length; i++)
                if (Interlocked.Exchange(ref stage.Caches[i], null) is { } moving)
                    moving.Cache.Dispose();
        }

        lane.Drain(disposeAll: true);
        beat.At = "collecting";
        GC.Collect();
        GC.WaitForPendingFinalizers();
        beat.Tick();
    }

    // Each thread its own: that flushes the cache which no other can reach.
    private void Trim(SoakBeat beat)
    {
        beat.At = "Trim";
        foreach (var stage in _run.Active)
        {
            beat.Tick();
            _run.Count(SoakCount.Trims);
            _ = stage.Allocator.Trim();
        }
    }

    private void Rest(SoakBeat beat, int cycle)
    {
        beat.At = "taking the figures";
        if (_run.Failure is not null)
            return;
        foreach (var stage in _run.Active)
        {
            beat.Tick();
            _ = stage.Allocator.Trim();
            stage.Sample(cycle);
            stage.EndCycle();
        }

        _run.EndCycle();
    }

    /// <summary>False when the soak is over: then nobody comes to the next meeting.</summary>
    private bool Meet(SoakBeat beat, Action? before = null)
    {
        if (before is not null)
            Guard(beat, before);
        beat.At = SoakBeat.Waiting;
        _barrier.SignalAndWait();
        return !_isOver;
    }

    private void Guard(SoakBeat beat, Action work)
    {
        try
        {
            work();
        }
        catch (Exception thrown)
        {
            _run.Fail($"{beat.Name}, in {beat.At}: {(thrown is SoakFailure ? thrown.Message : thrown)}");
        }
    }
}
