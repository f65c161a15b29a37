namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>Threads that live for a few milliseconds: some on the ambient cache, which they leave behind, some on caches of their own; what they hold they free or leave to others.</summary>
internal sealed class SoakBirths(SoakRun run, SoakBeat beat, Random random)
{
    private const int AtOnce = 3;
    private const int StackBytes = 256 << 10;

    private readonly Queue<Thread> _living = new();

    /// <summary>Until the phase ends. The last ones are dead on return.</summary>
    public void Work()
    {
        while (run.IsWorking)
        {
            beat.At = "starting a thread";
            beat.Tick();
            var thread = new Thread(Live, StackBytes) { IsBackground = true };
            thread.Start(random.Next());
            _living.Enqueue(thread);
            run.Count(SoakCount.Born);
            Thread.Sleep(random.Next(1, 5));
            Bury(AtOnce - 1);
        }

        Bury(0);
        beat.At = SoakBeat.Waiting;
    }

    // The dying thread is watched by its own beat.
    private void Bury(int leave)
    {
        beat.At = SoakBeat.Waiting;
        while (_living.Count > leave)
            _living.Dequeue().Join();
    }

    private void Live(object? seed)
    {
        var own = new SoakBeat("a short-lived thread");
        run.Beats[own] = true;
        try
        {
            var fate = new Random((int)seed!);
            var lane = new SoakLane(run, own, fate) { AmbientOfTen = fate.Next(3) switch { 0 => 0, 1 => 10, _ => 5 } };
            for (var left = fate.Next(20, 600); left > 0 && run.IsWorking; left--)
                lane.Step();
            if (fate.Next(2) == 0)
                lane.Bequeath();
            lane.Drain(disposeAll: true);
        }
        catch (Exception thrown)
        {
            run.Fail($"a short-lived thread, in {own.At}: {(thrown is SoakFailure ? thrown.Message : thrown)}");
        }
        finally
        {
            _ = run.Beats.TryRemove(own, out _);
        }
    }
}
