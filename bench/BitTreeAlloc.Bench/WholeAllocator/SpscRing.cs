using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Bench.Timing;

namespace BitTreeAlloc.Bench.WholeAllocator;

/// <summary>A ring between one producer and one consumer. Each keeps what it last saw of the other's position, so most steps touch no line of the other's.</summary>
internal sealed unsafe class SpscRing : IDisposable
{
    /// <summary>Objects under way at most.</summary>
    public const int Capacity = 4096;

    private const int Stride = 16; // words: positions lie two cache lines apart
    private readonly ulong* _items = (ulong*)NativeMemory.AlignedAlloc(Capacity * sizeof(ulong), 128);
    private readonly ulong* _positions = (ulong*)NativeMemory.AlignedAlloc(4 * Stride * sizeof(ulong), 128);

    public SpscRing() => NativeMemory.Clear(_positions, 4 * Stride * sizeof(ulong));

    private ref ulong Put => ref _positions[0];

    private ref ulong TakenSeen => ref _positions[Stride];

    private ref ulong Taken => ref _positions[2 * Stride];

    private ref ulong PutSeen => ref _positions[3 * Stride];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(void* item)
    {
        var put = Put;
        if (put - TakenSeen == Capacity)
            AwaitRoom(put);
        _items[put % Capacity] = (ulong)item;
        Volatile.Write(ref Put, put + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Take()
    {
        var taken = Taken;
        if (taken == PutSeen)
            AwaitItem(taken);
        var item = (void*)_items[taken % Capacity];
        Volatile.Write(ref Taken, taken + 1);
        return item;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_items);
        NativeMemory.AlignedFree(_positions);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AwaitRoom(ulong put)
    {
        var spins = 0;
        while (put - (TakenSeen = Volatile.Read(ref Taken)) == Capacity)
            TwoThreads.Wait(ref spins);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AwaitItem(ulong taken)
    {
        var spins = 0;
        while (taken == (PutSeen = Volatile.Read(ref Put)))
            TwoThreads.Wait(ref spins);
    }
}
