using System.Runtime.CompilerServices;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The same calls without a cache, on one that belongs to the calling thread (a thread-static look-up more per call). From any thread, finalizers included; a cache comes back when its
/// thread is gone and a collection has run.
/// </summary>
public sealed unsafe partial class BitTreeAllocator
{
    [ThreadStatic]
    private static ulong t_serial;

    [ThreadStatic]
    private static ThreadCache t_cache;

    [ThreadStatic]
    private static AmbientCaches? t_all;

    internal bool IsDisposed => _heap == null;

    /// <inheritdoc cref="Alloc(ref ThreadCache, nuint)"/>
    public void* Alloc(nuint size) => Alloc(ref Ambient(), size);

    /// <inheritdoc cref="AllocZeroed(ref ThreadCache, nuint)"/>
    public void* AllocZeroed(nuint size) => AllocZeroed(ref Ambient(), size);

    /// <inheritdoc cref="AllocZeroed(ref ThreadCache, nuint, nuint)"/>
    public void* AllocZeroed(nuint count, nuint elementSize) => AllocZeroed(ref Ambient(), count, elementSize);

    /// <inheritdoc cref="AllocAligned(ref ThreadCache, nuint, nuint)"/>
    public void* AllocAligned(nuint size, nuint alignment) => AllocAligned(ref Ambient(), size, alignment);

    /// <inheritdoc cref="Realloc(ref ThreadCache, void*, nuint)"/>
    public void* Realloc(void* pointer, nuint newSize) => Realloc(ref Ambient(), pointer, newSize);

    /// <inheritdoc cref="ReallocAligned(ref ThreadCache, void*, nuint, nuint)"/>
    public void* ReallocAligned(void* pointer, nuint newSize, nuint alignment) => ReallocAligned(ref Ambient(), pointer, newSize, alignment);

    /// <inheritdoc cref="Free(ref ThreadCache, void*)"/>
    public void Free(void* pointer) => Free(ref Ambient(), pointer);

    /// <inheritdoc cref="Free(ref ThreadCache, void*, nuint)"/>
    public void Free(void* pointer, nuint size) => Free(ref Ambient(), pointer, size);

    /// <inheritdoc cref="FreeAligned(ref ThreadCache, void*, nuint, nuint)"/>
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => FreeAligned(ref Ambient(), pointer, size, alignment);

    /// <summary>The calling thread's cache of this allocator; an unbound one where it cannot be had, so that the call itself finds out why.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ThreadCache Ambient()
    {
        if (t_serial != _serial || _heap == null)
            SwitchAmbient();
        return ref t_cache;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SwitchAmbient()
    {
        t_cache = default;
        t_serial = 0;
        var record = AmbientRecord(out var error);
        if (error != AllocError.None)
            throw Failure(error, CacheRecord.Stride);
        t_cache.Record = record;
        t_serial = _serial;
    }

    private CacheRecord* AmbientRecord(out AllocError error)
    {
        error = AllocError.None;
        if (_heap == null)
        {
            error = AllocError.Disposed;
            return null;
        }

        t_all ??= new AmbientCaches();
        var record = t_all.Find(this);
        if (record != null)
            return record;
        record = _engine.Register(_heap, _serial, out var outcome);
        if (record == null)
            error = Errors.Of(outcome);
        else
            t_all.Add(this, record);
        return record;
    }
}
