using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>The memory policy, changed while others work, and the clock that carries it out.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    private readonly TimeProvider _clock;
    private Profile _profile;
    private MemoryPolicy _policy;
    private ITimer? _timer;
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
            var words = value.ToWords();
            if (!TryVisit(out var heap))
                throw Errors.Disposed();
            var from = (ulong*)&words;
            var to = (ulong*)&heap->Policy;
            for (var index = 0; index < sizeof(Policy) / sizeof(ulong); index++)
                HardwareAtomics.StoreRelease(to + index, from[index], Site.HeapFigures); // order: settings, each on its own [H1]
            _policy = value;
            EndVisit();
        }
    }

    /// <summary>
    /// How often <see cref="Tick"/> is called by itself, on a thread of the pool; infinite: never. May be changed at any time: the worker starts, keeps the new pace, or stops. It holds no lock, and a page
    /// that cannot be given back does not stop it.
    /// </summary>
    /// <exception cref="ArgumentException">Less than a millisecond.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public TimeSpan TickInterval
    {
        get => _tickInterval;
        set
        {
            BitTreeAllocatorOptions.CheckInterval(value);
            if (!TryVisit(out _))
                throw Errors.Disposed();
            _tickInterval = value;
            if (_timer == null && value != Timeout.InfiniteTimeSpan)
            {
                // Weak: a timer must not keep an allocator that nobody has any more. Of two that are made at once the later one counts.
                var self = new WeakReference<BitTreeAllocator>(this);
                _timer = _clock.CreateTimer(_ => TickOnce(self), null, value, value);
            }
            else
            {
                _timer?.Change(value, value);
            }

            EndVisit();
        }
    }

    private static void TickOnce(WeakReference<BitTreeAllocator> self)
    {
        if (!self.TryGetTarget(out var allocator) || !allocator.TryVisit(out var heap))
            return;
        _ = allocator._engine.Tick(heap, out _, out _); // News of a wrong free finds nobody here to tell.
        allocator.EndVisit();
    }
}
