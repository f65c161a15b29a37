using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Bench.WholeAllocator;

/// <summary>The size of a loop's objects as a type: a constant where the allocator is called, as in most programs.</summary>
internal interface ISize
{
    static abstract nuint Bytes { get; }
}

/// <summary>64 bytes: a magazine has 125, the recycler's bound is 8 magazines.</summary>
internal readonly struct Small : ISize
{
    public static nuint Bytes => 64;
}

/// <summary>4 KiB: a magazine has 4, so the recycler is asked at every fourth object.</summary>
internal readonly struct Large : ISize
{
    public static nuint Bytes => 4096;
}

/// <summary>The loops over one allocator. All figures are wall nanoseconds per object: one allocation, one free.</summary>
internal abstract class AllocatorLoops(string name) : IDisposable
{
    public string Name => name;

    /// <summary>One thread allocates and puts, the other takes and frees; the first word is written before and read behind the ring.</summary>
    public abstract double ProducerConsumer<TSize>(TwoThreads threads, SpscRing<nint> ring, int objects)
        where TSize : struct, ISize;

    /// <summary>One thread: allocates <paramref name="count"/> objects of 64 bytes, then frees them in the same order.</summary>
    public abstract double Burst(int count, int objects);

    public abstract void Dispose();
}

/// <summary>The loops, compiled once per adapter.</summary>
internal sealed unsafe class AllocatorLoops<TAdapter>(string name, TAdapter here) : AllocatorLoops(name)
    where TAdapter : struct, IAllocatorAdapter<TAdapter>
{
    private readonly ulong** _held = (ulong**)NativeMemory.Alloc(1 << 16, (nuint)sizeof(ulong*));
    private TAdapter _here = here;
    private TAdapter _there = here.ForThread();

    public override double ProducerConsumer<TSize>(TwoThreads threads, SpscRing<nint> ring, int objects) =>
        threads.Time(() => Produce<TSize>(ring, objects), () => Consume<TSize>(ring, objects)) / objects;

    public override double Burst(int count, int objects)
    {
        var rounds = objects / count;
        var start = Stopwatch.GetTimestamp();
        RunBursts(count, rounds);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)rounds * count);
    }

    public override void Dispose()
    {
        _there.CloseThread();
        _here.CloseThread();
        _here.Close();
        NativeMemory.Free(_held);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunBursts(int count, int rounds)
    {
        var adapter = _here;
        var held = _held;
        for (var round = 0; round < rounds; round++)
        {
            for (var number = 0; number < count; number++)
            {
                var made = (ulong*)adapter.Alloc(Small.Bytes);
                if (TAdapter.Allocates)
                    *made = (ulong)number;
                held[number] = made;
            }

            for (var number = 0; number < count; number++)
                adapter.Free(held[number], Small.Bytes);
        }

        _here = adapter;
    }

    private void Produce<TSize>(SpscRing<nint> ring, int objects)
        where TSize : struct, ISize
    {
        var adapter = _here;
        for (var number = 0; number < objects; number++)
        {
            var made = (ulong*)adapter.Alloc(TSize.Bytes);
            if (TAdapter.Allocates)
                *made = (ulong)number;
            ring.Add((nint)made);
        }

        _here = adapter;
    }

    private void Consume<TSize>(SpscRing<nint> ring, int objects)
        where TSize : struct, ISize
    {
        var adapter = _there;
        for (var number = 0; number < objects; number++)
        {
            var taken = (ulong*)ring.Take();
            if (TAdapter.Allocates && *taken != (ulong)number)
                throw new InvalidOperationException($"object {number} came with {*taken} in it: two owners, and times that mean nothing");
            adapter.Free(taken, TSize.Bytes);
        }

        _there = adapter;
    }
}
