using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>
/// The thread whose allocations are timed. It holds a live set of 20 000 blocks of 16 to 1024 bytes and replaces it in bursts of one size, so that its cache runs empty about once in a hundred
/// allocations. Frees are not timed. It runs on the caller's thread.
/// </summary>
internal sealed unsafe class MeasuredThread : IDisposable
{
    private const int Live = 20_000;
    private const int LongestBurst = 256;

    private readonly BitTreeAllocator _allocator;
    private readonly nuint* _live = (nuint*)NativeMemory.AllocZeroed(Live, (nuint)sizeof(nuint));
    private readonly double _nanosecondsPerTick = ClockCost.NanosecondsPerTick;
    private readonly ulong _clockTicks;
    private ThreadCache _cache;
    private ulong _random = 88172645463325252;

    public MeasuredThread(BitTreeAllocator allocator)
    {
        _allocator = allocator;
        _cache = allocator.CreateCache();
        _clockTicks = ClockCost.Ticks();
    }

    /// <summary>What two readings of the clock in a row differ by, in nanoseconds: the median.</summary>
    public double ClockNanoseconds => _clockTicks * _nanosecondsPerTick;

    /// <summary>Takes samples until there are enough; of a neighbour that trims, until enough lie within its trims.</summary>
    public void Run(AllocSamples samples, long count, FillingNeighbour? neighbour)
    {
        nuint zero = 0;
        var epoch = neighbour is null ? (ulong*)&zero : neighbour.Epoch;
        var counted = neighbour is { IsTrimming: true } ? samples.During : samples.All;
        var faults = ThreadFaults.Read();
        while (counted.Count < count)
            Burst(samples, epoch);
        samples.Faults = ThreadFaults.Read() - faults;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = 0; i < Live; i++)
            _allocator.Free(ref _cache, (void*)_live[i]);
        _cache.Dispose();
        NativeMemory.Free(_live);
    }

    private void Burst(AllocSamples samples, ulong* epoch)
    {
        var size = 16 + (nuint)(Next() % 64 * 16);
        for (var left = 1 + (Next() % LongestBurst); left > 0; left--)
        {
            var place = _live + (Next() % Live);
            if (*place != 0)
                _allocator.Free(ref _cache, (void*)*place);
            var before = Volatile.Read(ref *epoch);
            var start = Stopwatch.GetTimestamp();
            var pointer = (byte*)_allocator.Alloc(ref _cache, size);
            *pointer = 1;
            var ticks = (ulong)(Stopwatch.GetTimestamp() - start);
            *place = (nuint)pointer;
            var nanoseconds = (ulong)((ticks - Math.Min(ticks, _clockTicks)) * _nanosecondsPerTick);
            samples.All.Record(nanoseconds);
            if ((before & 1) != 0 && Volatile.Read(ref *epoch) == before)
                samples.During.Record(nanoseconds);
        }
    }

    private ulong Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        return _random ^= _random << 17;
    }
}
