using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>An allocator of the replay as a contender of a loop: plain allocations, sized frees.</summary>
internal struct AllocatorBuffers<TAdapter>(TAdapter adapter) : IBenchAdapter<AllocatorBuffers<TAdapter>, nint>
    where TAdapter : struct, IAllocatorAdapter<TAdapter>
{
    private TAdapter _adapter = adapter;

    /// <inheritdoc/>
    public static bool Allocates => TAdapter.Allocates;

    /// <inheritdoc/>
    public static bool Moves => false;

    /// <inheritdoc/>
    public static Abilities Abilities => Abilities.All;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe nint AllocZeroed(ref AllocatorBuffers<TAdapter> self, nuint size) => (nint)self._adapter.AllocZeroed(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe nint AllocAligned(ref AllocatorBuffers<TAdapter> self, nuint size, nuint alignment) => (nint)self._adapter.AllocAligned(size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void FreeAligned(ref AllocatorBuffers<TAdapter> self, nint buffer, nuint size, nuint alignment) => self._adapter.FreeAligned((void*)buffer, size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void FreeUnsized(ref AllocatorBuffers<TAdapter> self, nint buffer) => TAdapter.FreeUnsized(ref self._adapter, (void*)buffer);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe nint Alloc(nuint size) => (nint)_adapter.Alloc(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Free(nint buffer, nuint size) => _adapter.Free((void*)buffer, size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe ref byte Start(nint buffer) => ref *(byte*)buffer;

    /// <inheritdoc/>
    public AllocatorBuffers<TAdapter> ForThread() => new(_adapter.ForThread());

    /// <inheritdoc/>
    public void CloseThread() => _adapter.CloseThread();

    /// <inheritdoc/>
    public void Trim() => _adapter.Trim();

    /// <inheritdoc/>
    public long? OsCalls() => _adapter.OsCalls();

    /// <inheritdoc/>
    public long? SlowPaths() => _adapter.SlowPaths();

    /// <inheritdoc/>
    public void Close() => _adapter.Close();
}
