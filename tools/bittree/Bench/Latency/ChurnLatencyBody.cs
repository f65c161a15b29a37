using System.Diagnostics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Bench.Latency;

/// <summary>Where a part's samples go.</summary>
internal interface ISampled
{
    /// <summary>Nanoseconds of single operations are recorded here; null: nowhere.</summary>
    LatencyHistogram? Samples { get; set; }

    /// <summary>Subtracted from each sample.</summary>
    ulong ClockTicks { get; set; }
}

/// <summary>
/// A live set of 100 000 objects. One sample: a random one is freed, another of a drawn size allocated in its place, its first and last byte written. The draws are made before the clock is read.
/// </summary>
internal sealed class ChurnLatencyBody<TAdapter, TBuffer>(TAdapter adapter) : LoopBody<TAdapter, TBuffer>(adapter), ISampled
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private const int Sizes = 1 << 14;
    private const int SizeSeed = 3;

    private readonly TBuffer[] _live = new TBuffer[ChurnLatencySeries.Live];
    private readonly uint[] _sizeOf = new uint[ChurnLatencySeries.Live];
    private readonly uint[] _sizes = Draw();
    private readonly SharedRanges _ranges = new();
    private ulong _random;
    private bool _filled;
    private bool _verify;

    /// <inheritdoc/>
    public LatencyHistogram? Samples { get; set; }

    /// <inheritdoc/>
    public ulong ClockTicks { get; set; }

    /// <summary>Fills the set, where it is not full from the round before: what is timed is an allocator that has been at it for a while.</summary>
    public override void Begin(int round, bool verify)
    {
        _random = 88172645463325252 ^ ((ulong)(round + 2) * 0x9E3779B97F4A7C15);
        if (_filled && verify == _verify)
            return;
        End();
        _verify = verify;
        for (var at = 0; at < _live.Length; at++)
            Allocate(at, _sizes[at % Sizes]);
        _filled = true;
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (_verify)
        {
            for (; operations > 0; operations--)
            {
                var next = Next();
                var at = (int)(next % ChurnLatencySeries.Live);
                Free(at);
                Allocate(at, _sizes[(next >> 40) % Sizes]);
            }

            return;
        }

        var samples = Samples ?? throw new InvalidOperationException("nowhere to put the samples");
        for (; operations > 0; operations--)
        {
            var next = Next();
            var at = (int)(next % ChurnLatencySeries.Live);
            var size = _sizes[(next >> 40) % Sizes];
            ref var slot = ref _live[at];
            ref var slotSize = ref _sizeOf[at];
            var old = slotSize;
            var start = Stopwatch.GetTimestamp();
            Adapter.Free(slot, old);
            var buffer = Adapter.Alloc(size);
            if (TAdapter.Allocates)
            {
                ref var first = ref TAdapter.Start(buffer);
                first = (byte)at;
                Unsafe.AddByteOffset(ref first, (nint)size - 1) = (byte)at;
            }

            var ticks = (ulong)(Stopwatch.GetTimestamp() - start);
            slot = buffer;
            slotSize = size;
            samples.Record((ulong)((ticks - Math.Min(ticks, ClockTicks)) * ClockCost.NanosecondsPerTick));
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        for (var at = 0; at < _live.Length && _filled; at++)
            Free(at);
        _filled = false;
    }

    private static uint[] Draw()
    {
        var random = new Random(SizeSeed);
        var sizes = new uint[Sizes];
        for (var i = 0; i < sizes.Length; i++)
            sizes[i] = SizeMix.Draw(random);
        return sizes;
    }

    private void Allocate(int at, uint size)
    {
        _live[at] = Adapter.Alloc(size);
        _sizeOf[at] = size;
        if (!TAdapter.Allocates)
            return;
        ref var first = ref TAdapter.Start(_live[at]);
        if (_verify && !TAdapter.Moves)
            _ranges.Add(ref first, size);
        first = (byte)at;
        Unsafe.AddByteOffset(ref first, (nint)size - 1) = (byte)at;
    }

    private void Free(int at)
    {
        var size = _sizeOf[at];
        if (TAdapter.Allocates)
        {
            ref var first = ref TAdapter.Start(_live[at]);
            var last = Unsafe.AddByteOffset(ref first, (nint)size - 1);
            if (first != (byte)at || last != (byte)at)
                throw new LoopCheckException($"a buffer of {size} bytes has changed while it was held: {(byte)at} was written, {first} and {last} are there");
            if (_verify && !TAdapter.Moves)
                _ranges.Remove(ref first, size);
        }

        Adapter.Free(_live[at], size);
        _live[at] = default;
    }

    private ulong Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        return _random ^= _random << 17;
    }
}
