using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Baton;

/// <summary>
/// Owns: per location the newest stores in coherence order, each with what an acquirer of it gets, and the clocks of the threads: how many events of each thread happen before.
/// Stores go last in coherence order, so coherence follows the schedule; a stale read takes an older store that nothing before the read has seen past.
/// Sequentially consistent events are ordered among each other by the schedule. All of it only strengthens RC11: what shows here is an execution of the graph engine.
/// </summary>
internal sealed class BatonMemory(int threads)
{
    private const int History = 8;

    private readonly Vector256<int>[] _hb = new Vector256<int>[threads];
    private readonly Vector256<int>[] _acquirePending = new Vector256<int>[threads];
    private readonly Vector256<int>[] _releaseFence = new Vector256<int>[threads];
    private readonly int[] _events = new int[threads];

    /// <summary>Per thread what was known before each of its events.</summary>
    private readonly List<Vector256<int>>[] _trail = [.. Enumerable.Range(0, threads).Select(_ => new List<Vector256<int>>())];
    private Vector256<int> _seqCst;
    private Location[] _locations = new Location[16];
    private Store[] _stores = new Store[16 * History];

    public int Count { get; private set; }

    public int Add(ulong low, ulong high)
    {
        if (Count == _locations.Length)
        {
            Array.Resize(ref _locations, 2 * Count);
            Array.Resize(ref _stores, 2 * Count * History);
        }

        _locations[Count].Initial = (low, high);
        return Count++;
    }

    public void Reset()
    {
        Array.Clear(_hb);
        Array.Clear(_acquirePending);
        Array.Clear(_releaseFence);
        Array.Clear(_events);
        foreach (var trail in _trail)
            trail.Clear();
        _seqCst = default;
        for (var number = 0; number < Count; number++)
        {
            ref var location = ref _locations[number];
            location.Newest = 0;
            location.Access = default;
            ref var store = ref _stores[number * History];
            (store.Low, store.High) = location.Initial;
            store.Released = default;
            store.FirstSeen = Vector256.Create(int.MaxValue);
        }
    }

    /// <summary>Place of the newest store; 0 is the initial one.</summary>
    public int Newest(int location) => _locations[location].Newest;

    public (ulong Low, ulong High) ValueAt(int location, int place)
    {
        ref var store = ref StoreAt(location, place);
        return (store.Low, store.High);
    }

    /// <summary>Events of the thread so far.</summary>
    public int Events(int thread) => _events[thread];

    /// <summary>How many events of <paramref name="other"/> happen before the thread's event with that index.</summary>
    public int KnownBefore(int thread, int index, int other)
    {
        var trail = _trail[thread];
        return index < trail.Count ? trail[index].GetElement(other) : _hb[thread].GetElement(other);
    }

    /// <summary>A new event of the thread; a sequentially consistent one comes after all such before it.</summary>
    public void BeginEvent(int thread, MemoryOrder order)
    {
        _trail[thread].Add(_hb[thread]);
        Lane(ref _hb[thread], thread) = ++_events[thread];
        if (order.IsSeqCst())
            _hb[thread] = Vector256.Max(_hb[thread], _seqCst);
    }

    /// <summary>The oldest place that the thread's event may read.</summary>
    public int OldestSource(int thread, int location)
    {
        var newest = _locations[location].Newest;
        var oldest = Math.Max(0, newest - History + 1);
        for (var place = newest; place > oldest; place--)
        {
            if (Vector256.LessThanOrEqualAny(StoreAt(location, place).FirstSeen, _hb[thread]))
                return place;
        }

        return oldest;
    }

    /// <summary>The thread's event reads the store at that place.</summary>
    public void Read(int thread, int location, int place, MemoryOrder order)
    {
        ref var store = ref StoreAt(location, place);
        ref var seen = ref Lane(ref store.FirstSeen, thread);
        seen = Math.Min(seen, _events[thread]);
        _acquirePending[thread] = Vector256.Max(_acquirePending[thread], store.Released);
        if (order.IsAcquire())
            _hb[thread] = Vector256.Max(_hb[thread], store.Released);
        EndEvent(thread, order);
    }

    /// <summary>The thread's event stores; <paramref name="readFrom"/> is the place that the read half read, or −1.</summary>
    public void Write(int thread, int location, ulong low, ulong high, MemoryOrder order, int readFrom)
    {
        var released = order.IsRelease() ? _hb[thread] : _releaseFence[thread];
        if (readFrom >= 0)
            released = Vector256.Max(released, StoreAt(location, readFrom).Released);
        ref var store = ref StoreAt(location, ++_locations[location].Newest);
        (store.Low, store.High, store.Released) = (low, high, released);
        store.FirstSeen = Vector256.Create(int.MaxValue);
        Lane(ref store.FirstSeen, thread) = _events[thread];
        EndEvent(thread, order);
    }

    public void Fence(int thread, MemoryOrder order)
    {
        if (order.IsAcquire())
            _hb[thread] = Vector256.Max(_hb[thread], _acquirePending[thread]);
        EndEvent(thread, order);
        if (order.IsRelease())
            _releaseFence[thread] = _hb[thread];
    }

    /// <summary>Every other thread passes a full fence where it is now, and the caller comes after all of them.</summary>
    public void FenceOthers(int caller)
    {
        for (var thread = 0; thread < threads; thread++)
        {
            if (thread == caller)
                continue;
            _hb[thread] = Vector256.Max(_hb[thread], _acquirePending[thread]);
            _hb[thread] = Vector256.Max(_hb[thread], _seqCst);
            _releaseFence[thread] = _hb[thread];
            _seqCst = Vector256.Max(_seqCst, _hb[thread]);
        }

        _hb[caller] = Vector256.Max(_hb[caller], _seqCst);
        _releaseFence[caller] = _hb[caller];
    }

    /// <summary>Whether an access of the location by the thread's event races with one before it; notes the access.</summary>
    public bool Races(int thread, int location, bool plain, bool write)
    {
        ref var access = ref _locations[location].Access;
        var against = access.PlainWrites;
        if (plain)
            against = Vector256.Max(against, access.AtomicWrites);
        if (write)
            against = Vector256.Max(against, plain ? Vector256.Max(access.PlainReads, access.AtomicReads) : access.PlainReads);
        if (Vector256.GreaterThanAny(against, _hb[thread]))
            return true;
        ref var note = ref access.PlainReads;
        if (plain && write)
            note = ref access.PlainWrites;
        else if (!plain)
            note = ref write ? ref access.AtomicWrites : ref access.AtomicReads;
        Lane(ref note, thread) = _events[thread];
        return false;
    }

    private void EndEvent(int thread, MemoryOrder order)
    {
        if (order.IsSeqCst())
            _seqCst = Vector256.Max(_seqCst, _hb[thread]);
    }

    private ref Store StoreAt(int location, int place) => ref _stores[(location * History) + (place & (History - 1))];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref int Lane(ref Vector256<int> clock, int thread) => ref Unsafe.Add(ref Unsafe.As<Vector256<int>, int>(ref clock), thread);

    private struct Store
    {
        public ulong Low;
        public ulong High;
        public Vector256<int> Released;

        /// <summary>Per thread its first event that stored or read it.</summary>
        public Vector256<int> FirstSeen;
    }

    private struct Location
    {
        public (ulong Low, ulong High) Initial;
        public int Newest;
        public Accesses Access;
    }

    /// <summary>Per kind of access and thread its last event.</summary>
    private struct Accesses
    {
        public Vector256<int> PlainReads;
        public Vector256<int> PlainWrites;
        public Vector256<int> AtomicReads;
        public Vector256<int> AtomicWrites;
    }
}
