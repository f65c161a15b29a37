using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>A rented array.</summary>
internal readonly record struct PooledArray(byte[] Array);

/// <summary>The shared pool of byte arrays: what a .NET program reuses buffers with today. It keeps arrays of up to 2^30 bytes, in sizes that are powers of two.</summary>
internal readonly struct ArrayPoolBuffers : IBenchAdapter<ArrayPoolBuffers, PooledArray>
{
    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool Moves => true;

    /// <inheritdoc/>
    public static Abilities Abilities => Abilities.Small | Abilities.Large | Abilities.Unsized;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FreeUnsized(ref ArrayPoolBuffers self, PooledArray buffer) => ArrayPool<byte>.Shared.Return(buffer.Array);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PooledArray Alloc(nuint size) => new(ArrayPool<byte>.Shared.Rent(checked((int)size)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(PooledArray buffer, nuint size) => ArrayPool<byte>.Shared.Return(buffer.Array);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte Start(PooledArray buffer) => ref MemoryMarshal.GetArrayDataReference(buffer.Array);

    /// <inheritdoc/>
    public ArrayPoolBuffers ForThread() => this;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <summary>Collections: the pool has no call of its own, and drops arrays at collections only.</summary>
    public void Trim() => RssReader.Settle();

    /// <inheritdoc/>
    public long? OsCalls() => null;

    /// <inheritdoc/>
    public void Close()
    {
    }
}
