using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: a Treiber stack of type-stable nodes (magazines, records). A node's word 0 is the link, word 1 the depth of the stack from that node down.
/// Head, wide form: {address, generation} under a 16-byte compare-exchange. Narrow form: (generation &lt;&lt; 32 | index + 1) in the low half under an 8-byte one.
/// Invariants: I-R1 a node is in one stack or with one owner. I-R2 the generation grows with every pop and take-all, so a head seen before is never seen again with another link
/// behind it. I-R3 depth(top) = number of nodes.
/// Callers: Recycler, magazine supply, cache registry; holding the node they push. Checked by: unit tests on both forms; the explorer's recycler scenarios.
/// </summary>
/// <remarks>
/// Nodes are never unmapped while the heap lives, so reading the link of a node that somebody else popped meanwhile is safe; the generation finds it out.
/// The 16-byte head is read in two halves, generation first: a tear gives a pair that never stood there, or stands there no more, and the compare-exchange fails.
/// The narrow form's generation wraps after 2^32 pops between a load and its compare-exchange.
/// </remarks>
internal static unsafe class NodeStack<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Pushes unless the stack already has <paramref name="maxDepth"/> nodes.</summary>
    public static bool TryPush(in NodeArena arena, Word16* head, ulong* node, ulong maxDepth)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            var depth = 1ul;
            if (top != null)
            {
                // order: acquire; may be a later owner's depth, then the compare-exchange fails [R2]
                depth += TAtomics.LoadAcquire(top + 1, Site.StackLoadDepth);
            }

            if (depth > maxDepth)
                return false;

            // order: release only for the explorer's sake: a popper with a stale head may read these words now [R2]
            TAtomics.StoreRelease(node, (ulong)top, Site.StackStoreLink);
            TAtomics.StoreRelease(node + 1, depth, Site.StackStoreDepth); // order: as the link [R2]

            // order: release publishes the node's link, depth and slots to whoever pops it [R1]
            if (Replace(arena, head, seen, node, generationStep: 0, Site.StackPush))
                return true;
        }
    }

    /// <summary>Pops the newest node, or null.</summary>
    public static ulong* TryPop(in NodeArena arena, Word16* head)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            if (top == null)
                return null;

            // order: acquire; the node may belong to somebody else by now, then the generation has moved [R2]
            var next = (ulong*)TAtomics.LoadAcquire(top, Site.StackLoadLink);

            // order: acquire takes what the pusher wrote to the node [R1]; generation + 1 defeats the same node coming back (ABA)
            if (Replace(arena, head, seen, next, generationStep: 1, Site.StackPop))
                return top;
        }
    }

    /// <summary>Takes the whole chain in one step; the caller owns every node of it.</summary>
    public static ulong* TakeAll(in NodeArena arena, Word16* head)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            if (top == null)
                return null;

            // order: as a pop [R1]
            if (Replace(arena, head, seen, null, generationStep: 1, Site.StackTakeAll))
                return top;
        }
    }

    /// <summary>The next node of a chain that the caller owns.</summary>
    public static ulong* NextOf(ulong* node) =>
        (ulong*)TAtomics.LoadAcquire(node, Site.StackWalk); // order: owned; acquire because the seam has no weaker load [R2]

    /// <summary>Nodes in the stack at some moment.</summary>
    public static ulong Depth(in NodeArena arena, Word16* head)
    {
        var top = NodeOf(arena, LoadHead(arena, head));
        return top == null ? 0 : TAtomics.LoadAcquire(top + 1, Site.StackLoadDepth); // order: acquire; a figure only [R2]
    }

    private static Word16 LoadHead(in NodeArena arena, Word16* head)
    {
        if (!arena.Wide)
            return new Word16(TAtomics.LoadAcquire((ulong*)head, Site.StackLoadHead), 0); // order: acquire: the node behind it is read next [R1]

        // order: acquire on the generation keeps the two reads in this order; pointer first would let an old pointer pass with a new generation [R3]
        var generation = TAtomics.LoadHalfAcquire(head, 1, Site.StackLoadGeneration);
        return new Word16(TAtomics.LoadHalfAcquire(head, 0, Site.StackLoadPointer), generation); // order: acquire: the node behind it is read next [R1] [R3]
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong* NodeOf(in NodeArena arena, Word16 seen)
    {
        if (arena.Wide)
            return (ulong*)seen.Low;
        var index = (uint)seen.Low;
        return index == 0 ? null : (ulong*)(arena.Base + ((ulong)(index - 1) << arena.Shift));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Replace(in NodeArena arena, Word16* head, Word16 seen, ulong* node, uint generationStep, Site site)
    {
        if (arena.Wide)
            return TAtomics.CompareExchange16AcqRel(head, seen, new Word16((ulong)node, seen.High + generationStep), site); // order: see the callers [R1] [R3]
        var index = node == null ? 0 : (((ulong)node - arena.Base) >> arena.Shift) + 1;
        var generation = (seen.Low >> 32) + generationStep;
        return TAtomics.CompareExchangeAcqRel((ulong*)head, seen.Low, (generation << 32) | index, site); // order: see the callers [R1]
    }
}

/// <summary>Where the nodes of a stack lie, and which form its head has.</summary>
internal readonly struct NodeArena(ulong start, int shift, bool wide)
{
    public readonly ulong Base = start;
    public readonly int Shift = shift;
    public readonly bool Wide = wide;
}
