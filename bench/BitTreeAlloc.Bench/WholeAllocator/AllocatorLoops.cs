using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Bench.WholeAllocator;

/// <summary>The loops over one allocator. All figures are wall nanoseconds per object: one allocation, one free.</summary>
internal abstract class AllocatorLoops(string name) : IDisposable
{
    /// <summary>Bytes of every object.</summary>
    public const int Size = 64;

    public string Name => name;

    /// <summary>One thread allocates and puts, the other takes and frees; the first word is written before and read behind the ring.</summary>
    public abstract double ProducerConsumer(TwoThreads threads, SpscRing ring, int objects);

    /// <summary>One thread: allocates <paramref name="count"/> objects, then frees them in the same order.</summary>
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

    public override double ProducerConsumer(TwoThreads threads, SpscRing ring, int objects) =>
        threads.Time(() => Produce(ring, objects), () => Consume(ring, objects)) / objects;

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
                var made = (ulong*)adapter.Alloc(Size);
                if (TAdapter.Allocates)
                    *made = (ulong)number;
                held[number] = made;
            }

            for (var number = 0; number < count; number++)
                adapter.Free(held[number], Size);
        }

        _here = adapter;
    }

    private void Produce(SpscRing ring, int objects)
    {
        var adapter = _here;
        for (var number = 0; number < objects; number++)
        {
            var made = (ulong*)adapter.Alloc(Size);
            if (TAdapter.Allocates)
                *made = (ulong)number;
            ring.Add(made);
        }

        _here = adapter;
    }

    private void Consume(SpscRing ring, int objects)
    {
        var adapter = _there;
        for (var number = 0; number < objects; number++)
        {
            var taken = (ulong*)ring.Take();
            if (TAdapter.Allocates && *taken != (ulong)number)
                throw new InvalidOperationException($"object {number} came with {*taken} in it: two owners, and times that mean nothing");
            adapter.Free(taken, Size);
        }

        _there = adapter;
    }
}
