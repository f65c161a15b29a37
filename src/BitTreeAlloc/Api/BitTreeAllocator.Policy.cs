using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>The memory policy, changed while others work, and the clock that carries it out.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    private readonly TimeProvider _clock;
    private Profile _profile;
    private MemoryPolicy _policy;
    private Ticker? _ticker;
    private TimeSpan _tickInterval;

    /// <summary>The profile that the policy was last set by. Setting it sets all of <see cref="Policy"/>, while others work; it takes effect within a tick.</summary>
    /// <exception cref="ArgumentException">No such profile.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public Profile Profile
    {
        get => _profile;
        set
        {
            Policy = MemoryPolicy.Of(value);
            _profile = value;
        }
    }

    /// <summary>The memory policy. May be set at any time from any thread; calls that run go on by the old one, and what it kept goes back at the next tick, trim or demand.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public MemoryPolicy Policy
    {
        get => _policy;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _ = value.ToWords(); // A value out of its range changes nothing.
            if (!TryVisit(out var heap))
                throw Errors.Disposed();
            _policy = value;

            // Of two that set it at once, the one that sees the other's writes the other's: the words end as one policy.
            for (MemoryPolicy? written = null; !ReferenceEquals(written, _policy);)
            {
                written = _policy;
                WriteWords(heap, written.ToWords());
            }

            EndVisit();
        }
    }

    private static void WriteWords(Heap* heap, Policy words)
    {
        var from = (ulong*)&words;
        var to = (ulong*)&heap->Policy;
        for (var index = 0; index < sizeof(Policy) / sizeof(ulong); index++)
            HardwareAtomics.StoreRelease(to + index, from[index], Site.HeapFigures); // order: settings, each on its own [H1]
        HardwareAtomics.FenceSeqCst(Site.None); // order: full: the words before the look whether another policy was set [H1]
    }

    /// <summary>
    /// How often <see cref="Tick"/> is called by itself, on a thread of the pool; infinite: never. May be changed at any time: the worker starts, keeps the new pace, or stops. It holds no lock, and a page
    /// that cannot be given back does not stop it.
    /// </summary>
    /// <exception cref="ArgumentException">Less than a millisecond, or more than 49 days.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public TimeSpan TickInterval
    {
        get => _tickInterval;
        set
        {
            BitTreeAllocatorOptions.CheckInterval(value);
            if (!TryVisit(out _))
                throw Errors.Disposed();
            try
            {
                _tickInterval = value;
                if (_ticker == null && value != Timeout.InfiniteTimeSpan)
                    StartTicker(new Ticker(this));

                // Of two that set it at once, the one that sees the other's sets the other's.
                for (TimeSpan? set = null; _ticker?.Timer is { } timer && set != _tickInterval;)
                {
                    set = _tickInterval;
                    timer.Change(set.Value, set.Value);
                    HardwareAtomics.FenceSeqCst(Site.None); // order: full: the timer before the look whether another interval was set [H1]
                }
            }
            finally
            {
                EndVisit();
            }
        }
    }

    /// <summary>Of two that start one at once, the later one counts; the other one's timer ends itself.</summary>
    private void StartTicker(Ticker ticker)
    {
        _ticker = ticker;
        ticker.Timer = _clock.CreateTimer(state => ((Ticker)state!).Tick(), ticker, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What a timer calls. Weak: a timer must not keep an allocator that nobody has any more; it ends itself then.</summary>
    private sealed class Ticker(BitTreeAllocator allocator)
    {
        private readonly WeakReference<BitTreeAllocator> _allocator = new(allocator);

        public ITimer? Timer { get; set; }

        public void Tick()
        {
            if (!_allocator.TryGetTarget(out var allocator) || allocator._ticker != this || !allocator.TryVisit(out var heap))
            {
                Timer?.Dispose();
                return;
            }

            _ = allocator._engine.Tick(heap, out _, out _); // News of a wrong free finds nobody here to tell.
            allocator.EndVisit();
        }
    }
}
