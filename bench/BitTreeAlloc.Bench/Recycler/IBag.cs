using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Bench.Recycler;

/// <summary>A recycler as a loop sees it: a struct used as a type parameter, so that no call is virtual. The hint is the caller's own; the stacks have no use for one.</summary>
internal unsafe interface IBag
{
    bool TryGive(ulong* node, ref uint hint);

    ulong* TryTake(ref uint hint);
}

/// <summary>The shipped stack, in either form of its head.</summary>
internal readonly unsafe struct StackBag(Word16* head, NodeArena arena, ulong maxDepth) : IBag
{
    public bool TryGive(ulong* node, ref uint hint) => NodeStack<HardwareAtomics>.TryPush(arena, head, node, maxDepth);

    public ulong* TryTake(ref uint hint) => NodeStack<HardwareAtomics>.TryPop(arena, head);
}

/// <summary>The slot array. A power of two places.</summary>
internal readonly unsafe struct SlotBag(ulong* places, uint count) : IBag
{
    public bool TryGive(ulong* node, ref uint hint) => SlotArray<HardwareAtomics>.TryGive(places, count, ref hint, (ulong)node);

    public ulong* TryTake(ref uint hint) => (ulong*)SlotArray<HardwareAtomics>.TryTake(places, count, ref hint);
}
