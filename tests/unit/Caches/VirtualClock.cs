namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>A clock that moves when it is told to, and keeps what it was asked to call.</summary>
internal sealed class VirtualClock : TimeProvider
{
    private readonly List<VirtualTimer> _timers = [];
    private TimeSpan _now;

    public IReadOnlyList<VirtualTimer> Timers => _timers;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(callback, state, _now + dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Moves on, and makes every call that falls due.</summary>
    public void Advance(TimeSpan by)
    {
        _now += by;
        foreach (var timer in _timers)
            timer.RunUntil(_now);
    }

    internal sealed class VirtualTimer(TimerCallback callback, object? state, TimeSpan due, TimeSpan period) : ITimer
    {
        private TimeSpan _due = due;

        public TimeSpan Period => period;

        public int Calls { get; private set; }

        public bool IsDisposed { get; private set; }

        /// <summary>Makes the call now, as a timer does whose last call was under way when it was stopped.</summary>
        public void CallLate() => callback(state);

        public void RunUntil(TimeSpan now)
        {
            for (; !IsDisposed && _due <= now; _due += period)
            {
                Calls++;
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => IsDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
