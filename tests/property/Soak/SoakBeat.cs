namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>Where a thread is and how far it came: written by that thread, read by who watches.</summary>
internal sealed class SoakBeat(string name)
{
    /// <summary>What a thread does while it waits for the others: no hang of its own.</summary>
    public const string Waiting = "waiting for the others";

    private string _at = Waiting;
    private long _ticks;
    private long _seen;
    private long _since = Environment.TickCount64;

    public string Name { get; } = name;

    public string At
    {
        get => Volatile.Read(ref _at);
        set => Volatile.Write(ref _at, value);
    }

    public long Ticks => Volatile.Read(ref _ticks);

    public void Tick() => Volatile.Write(ref _ticks, _ticks + 1);

    /// <summary>Called by the watcher alone: for how long the thread has ended no operation.</summary>
    public TimeSpan Still()
    {
        var (now, ticks) = (Environment.TickCount64, Ticks);
        if (ticks != _seen || At == Waiting)
            (_seen, _since) = (ticks, now);
        return TimeSpan.FromMilliseconds(now - _since);
    }
}

internal enum SoakCount
{
    Allocs,
    Frees,
    Reallocs,
    Exchanged,
    Refused,
    Trims,
    Born,
}
