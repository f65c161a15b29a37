using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>What a loop runs over: the same words as Plan in bench/twin/twin.c.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PlanWords
{
    /// <summary>Sizes by step or by buffer.</summary>
    public uint* Sizes;

    /// <summary>Places by step, or the order of frees.</summary>
    public uint* Order;

    /// <summary>What is held.</summary>
    public void** Held;

    /// <summary>Its sizes.</summary>
    public uint* HeldSizes;

    /// <summary>Items, then positions.</summary>
    public ulong* Ring;

    /// <summary>A trace.</summary>
    public TraceEvent* Events;

    /// <summary>Sizes less one, a power of two less one.</summary>
    public ulong SizeMask;

    /// <summary>Steps less one, a power of two less one.</summary>
    public ulong Mask;

    /// <summary>Buffers that are held.</summary>
    public ulong Count;
}

/// <summary>The sizes and orders of a loop, drawn once, for every contender: who runs it in C and who in C# reads the same words. What is held is each contender's own.</summary>
internal sealed unsafe class LoopPlan : IDisposable
{
    /// <summary>Items of the ring.</summary>
    public const int Ring = 4096;

    private const int RingWords = Ring + 64;
    private const int Steps = 1 << 16;
    private readonly PlanWords* _words;
    private readonly List<nint> _memory = [];

    private LoopPlan(int threads)
    {
        Threads = threads;
        _words = (PlanWords*)Take<PlanWords>(threads);
    }

    /// <summary>Threads; each has its own words.</summary>
    public int Threads { get; }

    /// <summary>The words of a thread.</summary>
    public PlanWords* this[int thread] => &_words[thread];

    /// <summary>A loop over drawn sizes, held in <paramref name="count"/> places that all threads share.</summary>
    /// <param name="threads">Threads, of which each draws for itself.</param>
    /// <param name="count">Places.</param>
    /// <param name="draw">Draws the table of sizes from a seed.</param>
    /// <param name="order">Draws the order: of steps, or of the frees of a batch.</param>
    public static LoopPlan Draw(int threads, int count, Func<int, uint[]> draw, OrderOfFrees order)
    {
        var plan = new LoopPlan(threads);
        var held = (void**)plan.Take<nint>(count);
        var heldSizes = plan.Take<uint>(count);
        var ring = (ulong*)plan.Take<ulong>(RingWords);
        for (var thread = 0; thread < threads; thread++)
        {
            var random = new Random(20 + thread);
            var table = draw(20 + thread);
            var sizes = (uint*)plan.Take<uint>(table.Length);
            table.CopyTo(new Span<uint>(sizes, table.Length));
            var steps = (uint*)plan.Take<uint>(Steps);
            for (var i = 0; i < Steps; i++)
                steps[i] = order == OrderOfFrees.Places ? (uint)random.Next(count) : (uint)i;

            if (order == OrderOfFrees.Random)
                random.Shuffle(new Span<uint>(steps, count));
            plan._words[thread] = new PlanWords { Sizes = sizes, Order = steps, Held = held, HeldSizes = (uint*)heldSizes, Ring = ring, SizeMask = (ulong)table.Length - 1, Mask = Steps - 1, Count = (ulong)count };
        }

        return plan;
    }

    /// <summary>A trace, whole.</summary>
    public static LoopPlan Of(Trace trace)
    {
        var plan = new LoopPlan(1);
        var events = (TraceEvent*)plan.Take<TraceEvent>(trace.Events.Length);
        trace.Events.CopyTo(new Span<TraceEvent>(events, trace.Events.Length));
        plan._words[0] = new PlanWords { Held = (void**)plan.Take<nint>(trace.Slots), HeldSizes = (uint*)plan.Take<uint>(trace.Slots), Events = events, Count = (ulong)trace.Slots };
        return plan;
    }

    public void Dispose()
    {
        foreach (var memory in _memory)
            NativeMemory.AlignedFree((void*)memory);
        _memory.Clear();
    }

    private void* Take<T>(int count)
        where T : unmanaged
    {
        var bytes = (nuint)Math.Max(1, count) * (nuint)sizeof(T);
        var memory = NativeMemory.AlignedAlloc(bytes, 128);
        NativeMemory.Clear(memory, bytes);
        _memory.Add((nint)memory);
        return memory;
    }
}

/// <summary>What <see cref="PlanWords.Order"/> is.</summary>
internal enum OrderOfFrees
{
    /// <summary>First in, first out.</summary>
    Same,

    /// <summary>A permutation of a batch.</summary>
    Random,

    /// <summary>A place per step.</summary>
    Places,
}
