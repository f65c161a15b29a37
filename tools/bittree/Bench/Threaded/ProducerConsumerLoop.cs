using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Small;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Threaded;

/// <summary>
/// Producers allocate and put the object into a ring of 4 096, one ring each; one consumer takes from the rings in turn and frees. The time is wall time per object. Items are published one by one. Where
/// the objects are <paramref name="touched"/>, the producer writes the first and the last word and the consumer looks at both: then most of the time is that of a cache line on its way between two cores,
/// whoever allocated it. Untouched, what is left beside the ring is the allocators' own. The verified round writes and looks in any case.
/// </summary>
internal sealed class ProducerConsumerLoop(int producers, bool touched)
    : ThreadedLoop(
        $"pc-{producers}x1{(touched ? "-touched" : "")}",
        $"{(producers == 1 ? "One thread allocates" : $"{producers} threads allocate")} 64 bytes, another takes them from {(producers == 1 ? "a ring" : "rings")} of 4 096 and frees: wall time per object; {(touched ? "both touch the first and the last word" : "nobody touches the objects")}.{Crowd(producers + 1)}")
{
    /// <inheritdoc/>
    public override bool? Touched => touched;

    /// <inheritdoc/>
    public override int Threads => producers + 1;

    /// <inheritdoc/>
    public override int Makers => producers;

    /// <inheritdoc/>
    public override int Granule => 2 * SpscRing<int>.Capacity;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
    {
        var ranges = new SharedRanges();
        SpscRing<TBuffer>[] rings = [.. Enumerable.Range(0, producers).Select(_ => new SpscRing<TBuffer>())];
        return
        [
            .. rings.Select((ring, t) => new ProducerBody<TAdapter, TBuffer>(adapters[t], t, ring, ranges, touched)),
            new ConsumerBody<TAdapter, TBuffer>(adapters[producers], rings, ranges, touched),
        ];
    }

    private static string Crowd(int threads) => threads > Environment.ProcessorCount ? $" More threads than this machine's {Environment.ProcessorCount} cores." : "";
}

/// <summary>What both sides agree on.</summary>
internal static class PassedObject
{
    /// <summary>Bytes.</summary>
    public const int Size = 64;

    private const int ThreadAt = 48;
    private const nuint LastWord = Size - sizeof(ulong);

    /// <summary>The number of an object of that producer.</summary>
    public static ulong Stamp(int producer, ulong number) => ((ulong)(producer + 1) << ThreadAt) + number;

    /// <summary>Writes it, as the first and the last word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref byte start, ulong stamp)
    {
        Unsafe.As<byte, ulong>(ref start) = stamp;
        Unsafe.As<byte, ulong>(ref Unsafe.AddByteOffset(ref start, LastWord)) = stamp;
    }

    /// <summary>Looks at both.</summary>
    /// <exception cref="LoopCheckException">Something else stands there.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(ref byte start, ulong stamp)
    {
        var first = Unsafe.As<byte, ulong>(ref start);
        var last = Unsafe.As<byte, ulong>(ref Unsafe.AddByteOffset(ref start, LastWord));
        if (first != stamp || last != stamp)
            Wrong(stamp, first, last);
    }

    [DoesNotReturn]
    private static void Wrong(ulong stamp, ulong first, ulong last) =>
        throw new LoopCheckException($"an object that was passed on has changed: 0x{stamp:x} was written, 0x{first:x} and 0x{last:x} are there");
}

/// <summary>A producer.</summary>
internal sealed class ProducerBody<TAdapter, TBuffer>(TAdapter adapter, int thread, SpscRing<TBuffer> ring, SharedRanges ranges, bool touched) : SmallBody<TAdapter, TBuffer>(adapter, ranges)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private ulong _number;

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        ref var adapter = ref Adapter;
        var number = PassedObject.Stamp(thread, _number);
        _number += (ulong)operations;
        if (Verifying)
        {
            for (; operations > 0; operations--)
                ring.Add(Make<Plain>(ref adapter, PassedObject.Size, number++));
            return;
        }

        if (!touched)
        {
            for (; operations > 0; operations--)
                ring.Add(adapter.Alloc(PassedObject.Size));
            return;
        }

        for (; operations > 0; operations--)
        {
            var buffer = adapter.Alloc(PassedObject.Size);
            if (TAdapter.Allocates)
                PassedObject.Write(ref TAdapter.Start(buffer), number++);
            ring.Add(buffer);
        }
    }

    /// <inheritdoc/>
    public override void Stop(string why) => ring.Stop(why);
}

/// <summary>The consumer.</summary>
internal sealed class ConsumerBody<TAdapter, TBuffer>(TAdapter adapter, SpscRing<TBuffer>[] rings, SharedRanges ranges, bool touched) : SmallBody<TAdapter, TBuffer>(adapter, ranges)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private ulong _number;

    /// <summary>So many objects of each producer.</summary>
    public override void Run(long operations)
    {
        ref var adapter = ref Adapter;
        var number = _number;
        _number += (ulong)operations;
        for (; operations > 0; operations--, number++)
        {
            for (var producer = 0; producer < rings.Length; producer++)
            {
                var buffer = rings[producer].Take();
                if (Verifying)
                {
                    Release<Plain>(ref adapter, buffer, PassedObject.Size, PassedObject.Stamp(producer, number));
                    continue;
                }

                if (TAdapter.Allocates && touched)
                    PassedObject.Check(ref TAdapter.Start(buffer), PassedObject.Stamp(producer, number));
                adapter.Free(buffer, PassedObject.Size);
            }
        }
    }

    /// <inheritdoc/>
    public override void Stop(string why)
    {
        foreach (var ring in rings)
            ring.Stop(why);
    }
}
