using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Explorer.Gates.Twins;

/// <summary>The node stack as it would be written without a seam: the runtime's atomics and the stub, by name. Compiled and compared, never run.</summary>
internal static unsafe class NodeStackTwin
{
    public static bool TryPush(in NodeArena arena, Word16* head, ulong* node, ulong maxDepth)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            var depth = 1ul;
            if (top != null)
                depth += Volatile.Read(ref top[1]);
            if (depth > maxDepth)
                return false;
            Volatile.Write(ref *node, (ulong)top);
            Volatile.Write(ref node[1], depth);
            if (Replace(arena, head, seen, node, 0))
                return true;
        }
    }

    public static ulong* TryPop(in NodeArena arena, Word16* head)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            if (top == null)
                return null;
            var next = (ulong*)Volatile.Read(ref *top);
            if (Replace(arena, head, seen, next, 1))
                return top;
        }
    }

    public static ulong* TakeAll(in NodeArena arena, Word16* head)
    {
        for (; ; )
        {
            var seen = LoadHead(arena, head);
            var top = NodeOf(arena, seen);
            if (top == null)
                return null;
            if (Replace(arena, head, seen, null, 1))
                return top;
        }
    }

    private static Word16 LoadHead(in NodeArena arena, Word16* head)
    {
        if (!arena.Wide)
            return new Word16(Volatile.Read(ref *(ulong*)head), 0);
        var generation = Volatile.Read(ref ((ulong*)head)[1]);
        return new Word16(Volatile.Read(ref ((ulong*)head)[0]), generation);
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
    private static bool Replace(in NodeArena arena, Word16* head, Word16 seen, ulong* node, uint generationStep)
    {
        if (arena.Wide)
        {
            var desired = new Word16((ulong)node, seen.High + generationStep);
            return CasStub.CompareExchange16(head, seen.Low, seen.High, desired.Low, desired.High);
        }

        var index = node == null ? 0 : (((ulong)node - arena.Base) >> arena.Shift) + 1;
        var generation = (seen.Low >> 32) + generationStep;
        return Interlocked.CompareExchange(ref *(ulong*)head, (generation << 32) | index, seen.Low) == seen.Low;
    }
}
