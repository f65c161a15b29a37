using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>What a loop writes and looks at. A type parameter, so that loops are compiled for it.</summary>
internal unsafe interface IChecks
{
    static abstract void Put(void* pointer, nuint size, ulong stamp);

    static abstract void PutPair(void* pointer, nuint size, ulong stamp);

    static abstract ulong Bad(void* pointer, nuint size, ulong stamp);
}

/// <summary>The first and the last byte are written, of a pair none.</summary>
internal readonly unsafe struct BothEnds : IChecks
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(void* pointer, nuint size, ulong stamp)
    {
        *(byte*)pointer = (byte)stamp;
        ((byte*)pointer)[size - 1] = (byte)stamp;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutPair(void* pointer, nuint size, ulong stamp)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Bad(void* pointer, nuint size, ulong stamp) => 0;
}

/// <summary>Every whole word is written and looked at.</summary>
internal readonly unsafe struct WholeContents : IChecks
{
    public static void Put(void* pointer, nuint size, ulong stamp)
    {
        Unsafe.CopyBlockUnaligned(pointer, &stamp, (uint)Math.Min(size, 8));
        for (nuint at = 8; at + 8 <= size; at += 8)
            *(ulong*)((byte*)pointer + at) = Word(size, stamp) + at;
    }

    public static void PutPair(void* pointer, nuint size, ulong stamp) => Put(pointer, size, stamp);

    public static ulong Bad(void* pointer, nuint size, ulong stamp)
    {
        ulong found = 0, written = 0;
        Unsafe.CopyBlockUnaligned(&found, pointer, (uint)Math.Min(size, 8));
        Unsafe.CopyBlockUnaligned(&written, &stamp, (uint)Math.Min(size, 8));
        var bad = found != written;
        for (nuint at = 8; at + 8 <= size; at += 8)
            bad |= *(ulong*)((byte*)pointer + at) != Word(size, stamp) + at;
        return bad ? 1u : 0;
    }

    private static ulong Word(nuint size, ulong stamp) => (stamp * 0x9E3779B97F4A7C15ul) + size;
}

/// <summary>
/// An allocator and a cache of it, side by side as in an object's fields: a loop holds one register for both. Held apart they are two, both live across the calls of the slow paths, and the JIT, which has
/// five such registers, keeps loop counters on the stack.
/// </summary>
internal unsafe struct Managed
{
    public BitTreeAllocator Allocator;
    public ThreadCache Cache;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => Allocator.Alloc(ref Cache, size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* pointer, nuint size) => Allocator.Free(ref Cache, pointer, size);
}
