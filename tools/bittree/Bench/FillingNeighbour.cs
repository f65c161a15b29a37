using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>A thread that fills 256 MiB with blocks of 64 bytes to 8 KiB, touches every page of them and frees them, over and over; after each time it may call Trim.</summary>
internal sealed unsafe class FillingNeighbour : IDisposable
{
    private const nuint Bytes = 256 << 20;
    private const nuint Page = 4096;
    private const int EpochLine = 128;

    private static readonly nuint[] s_sizes = [64, 192, 512, 1024, 1536, 4096, 8192];

    private readonly BitTreeAllocator _allocator;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _isFull = new();
    private volatile bool _stop;
    private long _trimTicks;

    public FillingNeighbour(BitTreeAllocator allocator, bool trims)
    {
        (_allocator, IsTrimming) = (allocator, trims);
        Epoch = (ulong*)NativeMemory.AlignedAlloc(EpochLine, EpochLine);
        *Epoch = 0;
        _thread = new Thread(Work) { IsBackground = true, Name = "neighbour" };
        _thread.Start();
        _isFull.Wait(); // The first time touches fresh memory, which is no part of the load.
    }

    /// <summary>Odd while a Trim runs; alone on its cache lines.</summary>
    public ulong* Epoch { get; }

    /// <summary>Whether it trims.</summary>
    public bool IsTrimming { get; }

    /// <summary>Trims so far; to be read after the end.</summary>
    public long Trims => (long)(*Epoch / 2);

    /// <summary>Their time; to be read after the end.</summary>
    public TimeSpan TrimTime => Stopwatch.GetElapsedTime(0, _trimTicks);

    /// <summary>Ends the thread; the figures stay readable until <see cref="Dispose"/>.</summary>
    public void Stop()
    {
        _stop = true;
        _thread.Join();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _isFull.Dispose();
        NativeMemory.AlignedFree(Epoch);
    }

    private void Work()
    {
        var cache = _allocator.CreateCache();
        var most = (int)(Bytes / s_sizes[0]);
        var blocks = (nuint*)NativeMemory.Alloc((nuint)most, (nuint)sizeof(nuint));
        while (!_stop)
        {
            var count = Fill(ref cache, blocks);
            for (var i = 0; i < count; i++)
                _allocator.Free(ref cache, (void*)blocks[i]);
            _isFull.Set();
            if (IsTrimming)
                Trim(ref cache);
        }

        NativeMemory.Free(blocks);
        cache.Dispose();
    }

    private int Fill(ref ThreadCache cache, nuint* blocks)
    {
        var count = 0;
        for (nuint filled = 0; filled < Bytes && !_stop;)
        {
            var size = s_sizes[count % s_sizes.Length];
            var block = (byte*)_allocator.Alloc(ref cache, size);
            for (nuint at = 0; at < size; at += Page)
                block[at] = 1;
            blocks[count++] = (nuint)block;
            filled += size;
        }

        return count;
    }

    private void Trim(ref ThreadCache cache)
    {
        Volatile.Write(ref *Epoch, *Epoch + 1);
        var start = Stopwatch.GetTimestamp();
        _allocator.Trim(ref cache);
        _trimTicks += Stopwatch.GetTimestamp() - start;
        Volatile.Write(ref *Epoch, *Epoch + 1);
    }
}
