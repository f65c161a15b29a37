using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Small;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Threaded;

/// <summary>
/// After Hoard's cache-scratch and cache-thrash: a thread allocates an object of 8 bytes, writes it 64 times and frees it, beside another that does the same. Where the two objects share a cache line,
/// the writes take many times as long. For scratch, one thread first allocates objects for both, one for each in turn, and each frees its own: an allocator that hands these out again to whoever freed
/// them spreads lines over threads.
/// </summary>
internal sealed class FalseSharingLoop(string name, bool given, string summary) : ThreadedLoop(name, summary)
{
    /// <summary>Objects that each thread frees before.</summary>
    internal const int Gifts = 64;

    /// <inheritdoc/>
    public override int Granule => 1024;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
    {
        var ranges = new SharedRanges();
        SpscRing<TBuffer>[] gifts = given ? [.. adapters.Select(_ => new SpscRing<TBuffer>())] : [];
        return [.. adapters.Select((adapter, t) => new FalseSharingBody<TAdapter, TBuffer>(adapter, t, gifts, ranges))];
    }
}

/// <summary>One thread.</summary>
internal sealed class FalseSharingBody<TAdapter, TBuffer>(TAdapter adapter, int thread, SpscRing<TBuffer>[] gifts, SharedRanges ranges) : SmallBody<TAdapter, TBuffer>(adapter, ranges)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private const int Size = 8;
    private const int Writes = 64;
    private const int ThreadAt = 32;

    private bool _takesGifts;

    /// <summary>The first thread allocates the gifts of all.</summary>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        _takesGifts = gifts.Length != 0;
        if (thread != 0)
            return;
        for (var number = 0; number < FalseSharingLoop.Gifts; number++)
        {
            for (var receiver = 0; receiver < gifts.Length; receiver++)
                gifts[receiver].Add(Make<Plain>(ref Adapter, Size, Stamp(receiver, number)));
        }
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (operations == 0)
            return;
        FreeGifts();
        if (Verifying)
            Verify(operations);
        else
            Write(operations);
    }

    /// <inheritdoc/>
    public override void End() => FreeGifts();

    /// <inheritdoc/>
    public override void Stop(string why)
    {
        foreach (var ring in gifts)
            ring.Stop(why);
    }

    private void FreeGifts()
    {
        if (!_takesGifts)
            return;
        _takesGifts = false;
        for (var number = 0; number < FalseSharingLoop.Gifts; number++)
            Release<Plain>(ref Adapter, gifts[thread].Take(), Size, Stamp(thread, number));
    }

    private void Write(long operations)
    {
        ref var adapter = ref Adapter;
        for (; operations > 0; operations--)
        {
            var buffer = adapter.Alloc(Size);
            if (TAdapter.Allocates)
            {
                ref var word = ref Unsafe.As<byte, ulong>(ref TAdapter.Start(buffer));
                for (var write = 0; write < Writes; write++)
                    Volatile.Write(ref word, Volatile.Read(ref word) + 1);
            }

            adapter.Free(buffer, Size);
        }
    }

    // Held until the next one is there, as in pairs.
    private void Verify(long operations)
    {
        var own = (ulong)(thread + 1) << ThreadAt;
        var held = Make<Plain>(ref Adapter, Size, own + (ulong)operations);
        for (; operations > 1; operations--)
        {
            var next = Make<Plain>(ref Adapter, Size, own + (ulong)operations - 1);
            Release<Plain>(ref Adapter, held, Size, own + (ulong)operations);
            held = next;
        }

        Release<Plain>(ref Adapter, held, Size, own + 1);
    }

    private static ulong Stamp(int receiver, int number) => ((ulong)receiver * FalseSharingLoop.Gifts) + (ulong)number;
}
