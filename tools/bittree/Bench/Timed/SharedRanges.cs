using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Verify;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>The addresses that all threads of a loop hold while it is verified.</summary>
internal sealed class SharedRanges
{
    private readonly Lock _lock = new();
    private readonly LiveRanges _ranges = new();

    /// <summary>Notes a buffer.</summary>
    /// <exception cref="LoopCheckException">It is nowhere, or some of it is held already.</exception>
    public void Add(ref byte start, nuint size)
    {
        var address = AddressOf(ref start);
        lock (_lock)
        {
            if (address == 0)
                throw new LoopCheckException($"the answer to a request of {size} bytes is null");
            if (!_ranges.Add(address, size))
                throw new LoopCheckException($"a buffer of {size} bytes at 0x{address:x} overlaps another one that is held");
        }
    }

    /// <summary>Forgets it; to be called before it is freed.</summary>
    public void Remove(ref byte start, nuint size)
    {
        lock (_lock)
            _ranges.Remove(AddressOf(ref start), size);
    }

    private static unsafe ulong AddressOf(ref byte start) => (ulong)Unsafe.AsPointer(ref start);
}
