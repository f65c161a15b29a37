namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>A clock that moves when it is told to, and keeps what it was asked to call. Timers may be made and changed by several threads at once, as the system's may.</summary>
internal sealed class VirtualClock : TimeProvider
{
    private readonly List<VirtualTimer> _timers = [];
    private TimeSpan _now;

    public IReadOnlyList<VirtualTimer> Timers => _timers;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state, dueTime, period);
        lock (_timers)
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

    internal sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state, TimeSpan due, TimeSpan period) : ITimer
    {
        private TimeSpan? _due = due == Timeout.InfiniteTimeSpan ? null : clock._now + due;

        /// <summary>What was asked for last; infinite: it does not run.</summary>
        public TimeSpan Period { get; private set; } = period;

        public int Calls { get; private set; }

        public bool IsDisposed { get; private set; }

        /// <summary>Makes the call now, as a timer does whose last call was under way when it was stopped.</summary>
        public void CallLate() => callback(state);

        public void RunUntil(TimeSpan now)
        {
            while (!IsDisposed && _due <= now)
            {
                _due = Period == Timeout.InfiniteTimeSpan ? null : _due + Period;
                Calls++;
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (IsDisposed)
                return false;
            lock (clock._timers)
                (_due, Period) = (dueTime == Timeout.InfiniteTimeSpan ? null : clock._now + dueTime, period);
            return true;
        }

        public void Dispose() => IsDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
