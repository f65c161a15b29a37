using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>A stack with its nodes in memory of its own; nodes go by number.</summary>
internal sealed unsafe class StackUnderTest<TAtomics> : IDisposable
    where TAtomics : struct, IAtomics
{
    private const int Shift = 10;
    private readonly byte* _memory;
    private readonly Word16* _head;
    private readonly NodeArena _arena;

    public StackUnderTest(CasWidth width, int nodes)
    {
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)nodes << Shift, 1 << Shift);
        NativeMemory.Clear(_memory, (nuint)nodes << Shift);
        _head = (Word16*)NativeMemory.AlignedAlloc(128, 128);
        *_head = default;
        _arena = new NodeArena((ulong)_memory, Shift, width == CasWidth.Sixteen);
    }

    public ulong Depth => NodeStack<TAtomics>.Depth(_arena, _head);

    public ulong Generation => _arena.Wide ? _head->High : _head->Low >> 32;

    public bool TryPush(int node, ulong maxDepth = ulong.MaxValue) => NodeStack<TAtomics>.TryPush(_arena, _head, At(node), maxDepth);

    /// <summary>The node's number, or −1.</summary>
    public int Pop() => NumberOf(NodeStack<TAtomics>.TryPop(_arena, _head));

    public List<int> TakeAll()
    {
        var taken = new List<int>();
        for (var node = NodeStack<TAtomics>.TakeAll(_arena, _head); node != null; node = NodeStack<TAtomics>.NextOf(node))
            taken.Add(NumberOf(node));
        return taken;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        NativeMemory.AlignedFree(_head);
    }

    private ulong* At(int node) => (ulong*)(_memory + ((nuint)node << Shift));

    private int NumberOf(ulong* node) => node == null ? -1 : (int)(((byte*)node - _memory) >> Shift);
}
