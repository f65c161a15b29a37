using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Bench.WholeAllocator;

/// <summary>
/// No allocator, but memory: hands out 8192 slots in turn and takes nothing back. What an object costs here is the loop, the ring and the lines that travel between two cores with the object;
/// no allocator, whatever its queues are, gets a remote free for less. Right only in these loops, where no more than that are under way.
/// </summary>
internal unsafe struct CycleAdapter : IAllocatorAdapter<CycleAdapter>
{
    private const nuint Slots = 8192;
    private readonly byte* _memory;
    private nuint _next;

    public CycleAdapter()
    {
        _memory = (byte*)NativeMemory.AlignedAlloc(Slots * Large.Bytes, 4096);
        NativeMemory.Clear(_memory, Slots * Large.Bytes);
    }

    public static bool Allocates => true;

    public static bool ReallocKeepsAlignment => false;

    public static nuint PromisedAlignment(nuint size) => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => _memory + ((_next++ % Slots) * size);

    public void* AllocZeroed(nuint size) => throw new NotSupportedException();

    public void* AllocAligned(nuint size, nuint alignment) => throw new NotSupportedException();

    public void* Realloc(void* pointer, nuint size) => throw new NotSupportedException();

    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => throw new NotSupportedException();

    public void Free(void* pointer, nuint size)
    {
    }

    public void FreeAligned(void* pointer, nuint size, nuint alignment) => throw new NotSupportedException();

    public nuint? UsableSize(void* pointer) => null;

    public CycleAdapter ForThread() => this;

    public void CloseThread()
    {
    }

    public void Trim()
    {
    }

    public long LeftOver() => 0;

    public void Close() => NativeMemory.AlignedFree(_memory);
}
