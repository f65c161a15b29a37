using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>A ring between one producer and one consumer. Each keeps what it last saw of the other's position, so most steps touch no line of the other's.</summary>
/// <typeparam name="T">What passes through: a pointer, a number, a struct around a reference.</typeparam>
internal sealed class SpscRing<T>
    where T : struct
{
    /// <summary>Items under way at most.</summary>
    public const int Capacity = 4096;

    private readonly T[] _items = new T[Capacity];
    private RingPositions _positions;
    private volatile string? _stopped;

    /// <summary>Puts an item in; waits while the ring is full.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T item)
    {
        var put = _positions.Put;
        if (put - _positions.TakenSeen == Capacity)
            AwaitRoom(put);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_items), (nint)(put % Capacity)) = item;
        Volatile.Write(ref _positions.Put, put + 1);
    }

    /// <summary>Takes the oldest item; waits while there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Take()
    {
        var taken = _positions.Taken;
        if (taken == _positions.PutSeen)
            AwaitItem(taken);
        var item = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_items), (nint)(taken % Capacity));
        Volatile.Write(ref _positions.Taken, taken + 1);
        return item;
    }

    /// <summary>Ends every wait, now and later, by an exception: the other side has failed.</summary>
    public void Stop(string why) => _stopped = why;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AwaitRoom(ulong put)
    {
        var spins = 0;
        while (put - (_positions.TakenSeen = Volatile.Read(ref _positions.Taken)) == Capacity)
            Wait(ref spins);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AwaitItem(ulong taken)
    {
        var spins = 0;
        while (taken == (_positions.PutSeen = Volatile.Read(ref _positions.Put)))
            Wait(ref spins);
    }

    private void Wait(ref int spins)
    {
        if (_stopped is { } why)
            throw new LoopCheckException(why);
        SpinPause.Wait(ref spins);
    }
}

/// <summary>Positions of a ring, two cache lines apart, so that prefetching in pairs joins none of them. Not inside the ring: a generic type has no explicit layout.</summary>
[StructLayout(LayoutKind.Explicit, Size = 5 * Stride)]
internal struct RingPositions
{
    private const int Stride = 128;

    [FieldOffset(Stride)]
    public ulong Put;

    [FieldOffset(2 * Stride)]
    public ulong TakenSeen;

    [FieldOffset(3 * Stride)]
    public ulong Taken;

    [FieldOffset(4 * Stride)]
    public ulong PutSeen;
}
