using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>Which calls a loop makes, as a type parameter: the loop is compiled for them.</summary>
internal interface ICalls
{
    /// <summary>What a contender must be able to do.</summary>
    static abstract Abilities Needs { get; }

    /// <summary>An object.</summary>
    static abstract TBuffer Alloc<TAdapter, TBuffer>(ref TAdapter adapter, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct;

    /// <summary>Gives it back.</summary>
    static abstract void Free<TAdapter, TBuffer>(ref TAdapter adapter, TBuffer buffer, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct;

    /// <summary>Looks at what the call promises for a new object.</summary>
    /// <exception cref="LoopCheckException">It was not kept.</exception>
    static abstract void Check(ref byte start, nuint size);
}

/// <summary>Alloc, and Free with the size.</summary>
internal readonly struct Plain : ICalls
{
    /// <inheritdoc/>
    public static Abilities Needs => Abilities.Small;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBuffer Alloc<TAdapter, TBuffer>(ref TAdapter adapter, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => adapter.Alloc(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free<TAdapter, TBuffer>(ref TAdapter adapter, TBuffer buffer, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => adapter.Free(buffer, size);

    /// <inheritdoc/>
    public static void Check(ref byte start, nuint size)
    {
    }
}

/// <summary>Alloc, and Free without the size.</summary>
internal readonly struct Unsized : ICalls
{
    /// <inheritdoc/>
    public static Abilities Needs => Abilities.Small | Abilities.Unsized;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBuffer Alloc<TAdapter, TBuffer>(ref TAdapter adapter, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => adapter.Alloc(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free<TAdapter, TBuffer>(ref TAdapter adapter, TBuffer buffer, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => TAdapter.FreeUnsized(ref adapter, buffer);

    /// <inheritdoc/>
    public static void Check(ref byte start, nuint size)
    {
    }
}

/// <summary>Zeroed objects.</summary>
internal readonly struct Zeroed : ICalls
{
    /// <inheritdoc/>
    public static Abilities Needs => Abilities.Small | Abilities.Zeroed;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBuffer Alloc<TAdapter, TBuffer>(ref TAdapter adapter, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => TAdapter.AllocZeroed(ref adapter, size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free<TAdapter, TBuffer>(ref TAdapter adapter, TBuffer buffer, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => adapter.Free(buffer, size);

    /// <inheritdoc/>
    public static void Check(ref byte start, nuint size)
    {
        for (nuint at = 0; at < size; at++)
        {
            if (Unsafe.AddByteOffset(ref start, at) is not 0 and var found)
                throw new LoopCheckException($"byte {at} of an object of {size} zeroed bytes is {found}");
        }
    }
}

/// <summary>Objects aligned to 64 bytes.</summary>
internal readonly struct Aligned64 : ICalls
{
    private const int Alignment = 64;

    /// <inheritdoc/>
    public static Abilities Needs => Abilities.Small | Abilities.Aligned;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBuffer Alloc<TAdapter, TBuffer>(ref TAdapter adapter, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => TAdapter.AllocAligned(ref adapter, size, Alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free<TAdapter, TBuffer>(ref TAdapter adapter, TBuffer buffer, nuint size)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct => TAdapter.FreeAligned(ref adapter, buffer, size, Alignment);

    /// <inheritdoc/>
    public static unsafe void Check(ref byte start, nuint size)
    {
        var address = (nuint)Unsafe.AsPointer(ref start);
        if (address % Alignment != 0)
            throw new LoopCheckException($"an object of {size} bytes at 0x{address:x} is not aligned to {Alignment}");
    }
}
