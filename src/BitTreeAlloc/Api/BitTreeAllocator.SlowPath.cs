using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>What both hit paths turn off to: binding, coarse classes, refill and flush, regions and mappings, errors.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocMiss(ref ThreadCache cache, nuint size)
    {
        if (size > MaxMediumSize && IsOpen(cache.Bound) && !_disabled)
        {
            var region = _engine.TryAllocRegion(cache.Bound, size);
            if (region != 0)
                return (void*)region;
        }

        var error = AllocGuarded(ref cache, size, out var pointer);
        if (error != AllocError.None)
            throw Failure(error, size);
        return pointer;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeMiss(ref ThreadCache cache, void* pointer, nuint size)
    {
        if (size > MaxMediumSize && IsOpen(cache.Bound) && _engine.TryFreeRegion(cache.Bound, (ulong)pointer))
            return;
        var error = FreeGuarded(ref cache, pointer, size);
        if (error != AllocError.None)
            throw PointerFailure(error, nameof(Free), pointer, size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeMiss(ref ThreadCache cache, void* pointer)
    {
        var error = FreeGuarded(ref cache, pointer, null);
        if (error != AllocError.None)
            throw PointerFailure(error, nameof(Free), pointer, null);
    }

    /// <summary>Whether a record is an explicit cache of this allocator, at the fast level, and neither is gone.</summary>
    private bool IsOpen(CacheRecord* record) => (nint)record > 0 && record->Heap == _heap && _heap != null;

    private AllocError AllocSlow(ref ThreadCache cache, nuint size, out void* pointer, nuint alignment = 1)
    {
        pointer = null;
        var error = Ready(ref cache);
        if (error != AllocError.None)
            return error;
        if (size > MaxSize)
            return AllocError.SizeTooLarge;
        var sizeClass = SizeClasses.ClassOf(size);
        return sizeClass == SizeClasses.None ? AllocLarge(ref cache, size, 1, out pointer, out _) : AllocOfClass(ref cache, sizeClass, out pointer, alignment);
    }

    /// <summary>A slot of the class, whose slots keep to the alignment; or a longer one that does.</summary>
    private AllocError AllocOfClass(ref ThreadCache cache, int sizeClass, out void* pointer, nuint alignment = 1)
    {
        var record = cache.Record;
        var top = *CacheRecord.Top(record, sizeClass);
        if (*top != 0)
        {
            *CacheRecord.Top(record, sizeClass) = top - 1;
            pointer = (void*)*top;
            return AllocError.None;
        }

        if (_disabled)
        {
            pointer = null;
            return AllocError.Disabled;
        }

        pointer = (void*)(alignment <= 1 ? _engine.Alloc(record, sizeClass, out var outcome) : _engine.AllocAligned(record, sizeClass, alignment, out outcome));
        return Errors.Of(outcome);
    }

    /// <summary>A region or a mapping; what lies behind its first <paramref name="dirtyBytes"/> bytes reads as zero.</summary>
    private AllocError AllocLarge(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer, out nuint dirtyBytes)
    {
        pointer = null;
        dirtyBytes = 0;
        if (_heap == null)
            return AllocError.Disposed;
        if (_disabled)
            return AllocError.Disabled;
        if (size > MaxSize)
            return AllocError.SizeTooLarge;
        var record = cache.Record;
        pointer = (void*)_engine.AllocLarge(_heap, record, size, alignment, out var dirty, out var outcome);
        dirtyBytes = (nuint)dirty;
        return Errors.Of(outcome);
    }

    /// <summary>Frees through the cache by class; class none is a region or a mapping.</summary>
    private AllocError FreeSlow(ref ThreadCache cache, void* pointer, int sizeClass)
    {
        var error = Ready(ref cache);
        if (error != AllocError.None)
            return error;
        if (sizeClass == SizeClasses.None)
            return FreeUnsized(ref cache, pointer);
        if (sizeClass > SizeClasses.LastSmall && !TryMediumClass(ref sizeClass, pointer))
            return AllocError.InvalidPointer;
        var record = cache.Record;
        var top = *CacheRecord.Top(record, sizeClass);
        if ((ulong)top < *CacheRecord.Limit(record, sizeClass))
        {
            *++top = (ulong)pointer;
            *CacheRecord.Top(record, sizeClass) = top;
            return AllocError.None;
        }

        return Errors.Of(_engine.Free(record, sizeClass, (ulong)pointer));
    }

    /// <summary>The class of a medium slot, which may be a little larger than the size that was asked for says. False: no such slot.</summary>
    private bool TryMediumClass(ref int sizeClass, void* pointer)
    {
        if (!TryClassOf((ulong)pointer, out var found) || found == SizeClasses.None)
            return false;

        // A wrong size is told where it is noticed: at the flush, by the class that the size says.
        if (found > SizeClasses.LastSmall && found >= sizeClass && found <= sizeClass + ClassPlan.MediumStepsUp)
            sizeClass = found;
        return true;
    }

    private AllocError FreeUnsized(ref ThreadCache cache, void* pointer)
    {
        if (pointer == null)
            return AllocError.None;
        var error = Ready(ref cache);
        if (error != AllocError.None)
            return error;
        if (!TryClassOf((ulong)pointer, out var sizeClass))
            return Errors.Of(_engine.FreeLarge(_heap, cache.Record, (ulong)pointer));
        if (sizeClass == SizeClasses.None)
            return AllocError.InvalidPointer;
        FollowStretch(cache.Record, (ulong)pointer);
        return FreeSlow(ref cache, pointer, sizeClass);
    }

    /// <summary>The stretch that an unsized free met off the hit path is the one that the next will find on it.</summary>
    private void FollowStretch(CacheRecord* record, ulong address)
    {
        if (((address - record->Base) >> Stretch.GranuleShift) < record->Granules)
            return;
        if (_engine.Locate(_heap, address, out var block) && block.Space->Map != null)
            _engine.UseStretch(record, block.Space->Owner);
    }

    /// <summary>False outside of blocks; class none inside, where no slot that was handed out starts.</summary>
    private bool TryClassOf(ulong address, out int sizeClass)
    {
        sizeClass = SizeClasses.None;
        if (!_engine.Locate(_heap, address, out var block))
            return false;
        var word = new BlockWord(HardwareAtomics.LoadAcquire(block.Space->Words + block.Index, Site.BlockLoad)); // order: acquire: at least as new as when the slot left [B1]
        if (word.Phase == BlockPhase.InUse && Placement<HardwareAtomics>.SlotOf(block.Space, block.Index, _heap->Classes[word.Class], address, word.Cursor) >= 0)
            sizeClass = word.Class;
        return true;
    }

    /// <summary>Bound, ours, and open.</summary>
    private AllocError Ready(ref ThreadCache cache)
    {
        var record = cache.Record;
        if (record == null)
            return TryBind(ref cache);
        if (record->Heap == null || _heap == null)
            return AllocError.Disposed;
        return record->Serial == _serial ? AllocError.None : AllocError.ForeignCache;
    }

    private AllocError TryBind(ref ThreadCache cache)
    {
        if (_heap == null)
            return AllocError.Disposed;
        var record = _engine.Register(_heap, _serial, out var outcome);
        if (record == null)
            return Errors.Of(outcome);
        cache.Record = record;
        return AllocError.None;
    }

    private Exception Failure(AllocError error, nuint size) => error switch
    {
        AllocError.Disposed => Errors.Disposed(),
        AllocError.BadAlignment => new ArgumentException(Errors.TextOf(error), "alignment"),
        AllocError.SizeOverflow => new ArgumentException(Errors.TextOf(error), nameof(size)),
        AllocError.Disabled => new AllocatorOutOfMemoryException(error, size, Errors.TextOf(error)),
        _ when Errors.IsShortage(error) => new AllocatorOutOfMemoryException(error, size, Errors.Describe(error, size, Snapshot(LiveHeap))),
        _ => Errors.Misuse(error),
    };
}
