using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>What a loop writes to its buffers, and looks at again. A type parameter, so that a loop is compiled for it.</summary>
internal interface IPages
{
    /// <summary>Called with each new buffer; <paramref name="stamp"/> is of this buffer alone, its low 36 bits are 0.</summary>
    static abstract void Write(ref byte start, nuint size, ulong stamp);

    /// <summary>Within timed operations: looks at the first page, one in the middle and the last.</summary>
    /// <exception cref="LoopCheckException">Something else stands there.</exception>
    static abstract void Glance(ref byte start, nuint size, ulong stamp);

    /// <summary>Looks at all that was written.</summary>
    /// <exception cref="LoopCheckException">Something else stands there.</exception>
    static abstract void Check(ref byte start, nuint size, ulong stamp);
}

/// <summary>Nothing is touched.</summary>
internal readonly struct NoPages : IPages
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ref byte start, nuint size, ulong stamp)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Glance(ref byte start, nuint size, ulong stamp)
    {
    }

    /// <inheritdoc/>
    public static void Check(ref byte start, nuint size, ulong stamp)
    {
    }
}

/// <summary>The first word of each 4 KiB of a buffer, which has a multiple of 8 bytes.</summary>
internal readonly struct EveryPage : IPages
{
    private const nuint Page = 4096;

    /// <inheritdoc/>
    public static void Write(ref byte start, nuint size, ulong stamp)
    {
        for (nuint at = 0; at < size; at += Page)
            Word(ref start, at) = stamp + at;
    }

    /// <inheritdoc/>
    public static void Glance(ref byte start, nuint size, ulong stamp)
    {
        Look(ref start, 0, stamp);
        Look(ref start, size / 2 & ~(Page - 1), stamp);
        Look(ref start, size - 1 & ~(Page - 1), stamp);
    }

    /// <inheritdoc/>
    public static void Check(ref byte start, nuint size, ulong stamp)
    {
        for (nuint at = 0; at < size; at += Page)
            Look(ref start, at, stamp);
    }

    private static ref ulong Word(ref byte start, nuint at) => ref Unsafe.As<byte, ulong>(ref Unsafe.AddByteOffset(ref start, at));

    private static void Look(ref byte start, nuint at, ulong stamp)
    {
        if (Word(ref start, at) != stamp + at)
            Changed(at, stamp + at, Word(ref start, at));
    }

    [DoesNotReturn]
    private static void Changed(nuint at, ulong written, ulong found) =>
        throw new LoopCheckException($"byte {at} of a buffer has changed while it was held: 0x{written:x} was written, 0x{found:x} is there");
}
