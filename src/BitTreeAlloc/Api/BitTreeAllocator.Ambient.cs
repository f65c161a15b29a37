using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The same calls without a cache, on one that belongs to the calling thread. From any thread, finalizers included. Each call says that it is inside, by a plain store, so that
/// <see cref="Trim()"/> may empty the cache of a thread that sleeps; a thread that finds its cache claimed leaves it and takes another. The cache of a thread that ended comes back when
/// another thread begins, or when a collection has run.
/// </summary>
public sealed unsafe partial class BitTreeAllocator
{
    // The last allocator that the thread called, and its cache there. Words, not a struct: a struct would stand boxed on the GC heap, three dependent loads further away.
    // The serial number that a hit compares is 0 at the checked level, where every call goes by the guarded ones.
    [ThreadStatic]
    private static ulong t_serial;

    [ThreadStatic]
    private static ulong t_owner;

    [ThreadStatic]
    private static CacheRecord* t_record;

    [ThreadStatic]
    private static AmbientCaches? t_all;

    /// <inheritdoc cref="Alloc(ref ThreadCache, nuint)"/>
    public void* Alloc(nuint size)
    {
        CacheRecord* record;
        if (size <= SizeClasses.TableLimit && t_serial == _serial && CacheClaims<HardwareAtomics>.TryEnter(record = t_record))
        {
            nuint sizeClass = _classByWords[(size + 7) >> 3];
            var top = *CacheRecord.Top(record, sizeClass);
            var slot = *top;
            if (slot != 0)
            {
                *CacheRecord.Top(record, sizeClass) = top - 1;
                CacheClaims<HardwareAtomics>.Leave(record);
                return (void*)slot;
            }
        }

        return AmbientAllocMiss(size);
    }

    /// <inheritdoc cref="Free(ref ThreadCache, void*, nuint)"/>
    public void Free(void* pointer, nuint size)
    {
        CacheRecord* record;
        if (size <= SizeClasses.TableLimit && pointer != null && t_serial == _serial && CacheClaims<HardwareAtomics>.TryEnter(record = t_record))
        {
            nuint sizeClass = _classByWords[(size + 7) >> 3];
            if (TryPush(record, sizeClass, pointer))
                return;
        }

        AmbientFreeMiss(pointer, size);
    }

    /// <inheritdoc cref="Free(ref ThreadCache, void*)"/>
    public void Free(void* pointer)
    {
        CacheRecord* record;
        if (t_serial == _serial && CacheClaims<HardwareAtomics>.TryEnter(record = t_record))
        {
            var granule = ((ulong)pointer - record->Base) >> Stretch.GranuleShift;
            if (granule < record->Granules && TryPush(record, record->ClassMap[granule], pointer))
                return;
        }

        AmbientFreeMiss(pointer, null);
    }

    /// <inheritdoc cref="AllocZeroed(ref ThreadCache, nuint)"/>
    public void* AllocZeroed(nuint size)
    {
        var error = TryAllocZeroedAmbient(size, out var pointer);
        return error == AllocError.None ? pointer : throw Failure(error, size);
    }

    /// <inheritdoc cref="AllocZeroed(ref ThreadCache, nuint, nuint)"/>
    public void* AllocZeroed(nuint count, nuint elementSize)
    {
        if (Math.BigMul((ulong)count, (ulong)elementSize, out var size) != 0)
            throw Failure(AllocError.SizeOverflow, count);
        return AllocZeroed((nuint)size);
    }

    /// <inheritdoc cref="AllocAligned(ref ThreadCache, nuint, nuint)"/>
    public void* AllocAligned(nuint size, nuint alignment)
    {
        if (TryRound(size, alignment, out var rounded) && rounded <= SizeClasses.TableLimit)
            return Alloc(rounded);
        var error = TryAllocAlignedAmbient(size, alignment, out var pointer);
        return error == AllocError.None ? pointer : throw Failure(error, size);
    }

    /// <inheritdoc cref="FreeAligned(ref ThreadCache, void*, nuint, nuint)"/>
    public void FreeAligned(void* pointer, nuint size, nuint alignment)
    {
        if (TryRound(size, alignment, out var rounded) && alignment <= SizeClasses.MaxSize && rounded <= SizeClasses.MaxSize)
            Free(pointer, rounded);
        else
            Free(pointer);
    }

    /// <inheritdoc cref="Realloc(ref ThreadCache, void*, nuint)"/>
    public void* Realloc(void* pointer, nuint newSize) => ReallocAligned(pointer, newSize, 1);

    /// <inheritdoc cref="ReallocAligned(ref ThreadCache, void*, nuint, nuint)"/>
    public void* ReallocAligned(void* pointer, nuint newSize, nuint alignment)
    {
        var error = TryReallocAmbient(pointer, newSize, alignment, out var moved);
        return error == AllocError.None ? moved : throw ReallocFailure(error, pointer, newSize);
    }

    /// <summary>As the form with a cache, on the calling thread's.</summary>
    public bool TryAlloc(nuint size, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : TryAllocAmbient(size, out pointer);
        return error == AllocError.None;
    }

    /// <summary>As the form with a cache, on the calling thread's.</summary>
    public bool TryAllocZeroed(nuint size, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : TryAllocZeroedAmbient(size, out pointer);
        return error == AllocError.None;
    }

    /// <summary>As the form with a cache, on the calling thread's.</summary>
    public bool TryAllocAligned(nuint size, nuint alignment, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : TryAllocAlignedAmbient(size, alignment, out pointer);
        return error == AllocError.None;
    }

    /// <summary>As the form with a cache, on the calling thread's.</summary>
    public bool TryRealloc(void* old, nuint newSize, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : TryReallocAmbient(old, newSize, 1, out pointer);
        return error == AllocError.None;
    }

    /// <summary>As the form with a cache, on the calling thread's.</summary>
    public bool TryFree(void* pointer, out AllocError error)
    {
        error = pointer == null ? AllocError.None : TryFreeAmbient(pointer, null);
        return error == AllocError.None;
    }

    /// <summary>
    /// Gives the calling thread's ambient cache back at once: for a thread that goes on but allocates no more, or ends. A later call without a cache takes a new one. Without a cache it does nothing.
    /// </summary>
    /// <exception cref="AllocatorMisuseException">What the cache held was freed twice.</exception>
    public void DetachThread()
    {
        if (t_owner == _serial)
            t_serial = t_owner = 0;
        t_all?.End(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryPush(CacheRecord* record, nuint sizeClass, void* pointer)
    {
        var top = *CacheRecord.Top(record, sizeClass);
        if ((ulong)top >= *CacheRecord.Limit(record, sizeClass))
            return false;
        *++top = (ulong)pointer;
        *CacheRecord.Top(record, sizeClass) = top;
        CacheClaims<HardwareAtomics>.Leave(record);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AmbientAllocMiss(nuint size)
    {
        var error = TryAllocAmbient(size, out var pointer);
        return error == AllocError.None ? pointer : throw Failure(error, size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AmbientFreeMiss(void* pointer, nuint? size)
    {
        if (pointer == null)
        {
            if (t_owner == _serial)
                CacheClaims<HardwareAtomics>.Leave(t_record);
            return;
        }

        var error = TryFreeAmbient(pointer, size);
        if (error != AllocError.None)
            throw PointerFailure(error, nameof(Free), pointer, size);
    }

    // Errors come out as values and are thrown only when the thread is outside its cache again: a handler may allocate.
    private AllocError TryAllocAmbient(nuint size, out void* pointer)
    {
        pointer = null;
        var error = Enter(out var cache);
        if (error != AllocError.None)
            return error;
        error = AllocUntold(ref cache, size, out pointer);
        CacheClaims<HardwareAtomics>.Leave(cache.Record);
        return Told(error, cache.Record, size, ref pointer);
    }

    private AllocError TryAllocZeroedAmbient(nuint size, out void* pointer)
    {
        pointer = null;
        var error = Enter(out var cache);
        if (error != AllocError.None)
            return error;
        error = AllocZeroedUntold(ref cache, size, out pointer);
        CacheClaims<HardwareAtomics>.Leave(cache.Record);
        return Told(error, cache.Record, size, ref pointer);
    }

    private AllocError TryAllocAlignedAmbient(nuint size, nuint alignment, out void* pointer)
    {
        pointer = null;
        var error = Enter(out var cache);
        if (error != AllocError.None)
            return error;
        error = AllocAlignedUntold(ref cache, size, alignment, out pointer);
        CacheClaims<HardwareAtomics>.Leave(cache.Record);
        return Told(error, cache.Record, size, ref pointer);
    }

    private AllocError TryReallocAmbient(void* old, nuint newSize, nuint alignment, out void* pointer)
    {
        pointer = null;
        nuint oldSize = 0;
        var error = CheckRealloc(newSize, alignment, out var rounded);
        if (error == AllocError.None && old != null)
        {
            error = Enter(out var own);
            if (error == AllocError.None)
            {
                error = PlanRealloc(own.Record, old, newSize, rounded, alignment, out oldSize, out pointer);
                CacheClaims<HardwareAtomics>.Leave(own.Record);
            }
        }

        if (error != AllocError.None || pointer != null)
            return error;
        error = TryAllocAlignedAmbient(newSize, alignment, out pointer);
        if (error != AllocError.None || old == null)
            return error;
        if (oldSize >= MaxMediumSize && Enter(out var mover) == AllocError.None)
        {
            var isMoved = TryMovePages(mover.Record, old, pointer, Math.Min(oldSize, newSize));
            CacheClaims<HardwareAtomics>.Leave(mover.Record);
            if (isMoved)
                return AllocError.None;
        }

        Buffer.MemoryCopy(old, pointer, newSize, Math.Min(oldSize, newSize));

        // The move has happened: news about earlier frees waits for a call that only frees.
        var news = TryFreeAmbient(old, null);
        if ((news != AllocError.None || oldSize > MaxSmallSize) && Enter(out var cache) == AllocError.None)
        {
            KeepNews(cache.Record, news);
            AfterMove(cache.Record, oldSize);
            CacheClaims<HardwareAtomics>.Leave(cache.Record);
        }

        return AllocError.None;
    }

    private AllocError TryFreeAmbient(void* pointer, nuint? size)
    {
        var error = Enter(out var cache);
        if (error != AllocError.None)
            return error;
        error = FreeGuarded(ref cache, pointer, size);
        CacheClaims<HardwareAtomics>.Leave(cache.Record);
        return error;
    }

    /// <summary>The calling thread's cache, entered. A claimed one is left to its claimer, and a fresh one taken.</summary>
    private AllocError Enter(out ThreadCache cache)
    {
        cache = default;
        for (; ; )
        {
            if (t_owner != _serial || _heap == null)
            {
                // Written when it is whole: what throws below, or calls in again, leaves no serial number beside another's record.
                t_serial = t_owner = 0;
                var error = SwitchAmbient(out var record);
                if (error != AllocError.None)
                    return error;
                t_record = record;
                t_owner = _serial;
                t_serial = _checked ? 0 : _serial;
            }

            cache.Record = t_record;
            if (CacheClaims<HardwareAtomics>.TryEnter(cache.Record))
                return AllocError.None;
            if (!CacheClaims<HardwareAtomics>.TryHandOver(cache.Record))
                continue;
            t_all!.Forget(this);
            t_serial = t_owner = 0;
        }
    }

    private AllocError SwitchAmbient(out CacheRecord* record)
    {
        record = null;
        if (_heap == null)
            return AllocError.Disposed;
        t_all ??= new AmbientCaches();
        record = t_all.Find(this);
        if (record != null)
            return AllocError.None;
        DeadOwners.MakeRoom(this, _heap);

        // Looking at dead threads may run other code on this one (a message pump), which may have called in.
        record = t_all.Find(this);
        if (record != null)
            return AllocError.None;
        record = _engine.Register(_heap, _serial, out var outcome);
        if (record == null)
            return Errors.Of(outcome);
        DeadOwners.SetOwner(record);
        t_all.Add(this, record);
        CacheClaims<HardwareAtomics>.BeginAmbient(record);
        return AllocError.None;
    }
}
