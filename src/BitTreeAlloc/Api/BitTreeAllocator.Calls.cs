using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>Zeroed, aligned and resized memory, and what is known about a pointer.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>Slots from this size on are taken from clean pages where there are some: not writing them saves their page faults. Below, clearing is cheaper than asking.</summary>
    private const int ZeroKnownSize = 4096;

    /// <summary>Memory of at least <paramref name="size"/> bytes, all of which (<see cref="UsableSize"/>) read as zero. Pages straight from the system are not written.</summary>
    /// <inheritdoc cref="Alloc(ref ThreadCache, nuint)"/>
    public void* AllocZeroed(ref ThreadCache cache, nuint size)
    {
        if (size < ZeroKnownSize)
        {
            var slot = Alloc(ref cache, size);
            NativeMemory.Clear(slot, (nuint)_heap->Classes[SizeClasses.ClassOf(size)].SlotSize);
            return slot;
        }

        var error = AllocZeroedGuarded(ref cache, size, out var pointer);
        if (error != AllocError.None)
            throw Failure(error, size);
        return pointer;
    }

    /// <summary>Memory for <paramref name="count"/> elements of <paramref name="elementSize"/> bytes that reads as zero.</summary>
    /// <exception cref="ArgumentException">count × elementSize does not fit in a machine word.</exception>
    /// <inheritdoc cref="Alloc(ref ThreadCache, nuint)"/>
    public void* AllocZeroed(ref ThreadCache cache, nuint count, nuint elementSize)
    {
        if (Math.BigMul((ulong)count, (ulong)elementSize, out var size) != 0)
            throw Failure(AllocError.SizeOverflow, count);
        return AllocZeroed(ref cache, (nuint)size);
    }

    /// <summary>Memory at a multiple of <paramref name="alignment"/>. Free it without a size, or with <see cref="FreeAligned(ref ThreadCache, void*, nuint, nuint)"/>.</summary>
    /// <param name="cache">The caller's cache.</param>
    /// <param name="size">Bytes. Rounded up to a multiple of the alignment: that is its cost, no more.</param>
    /// <param name="alignment">A power of two, 1 to <see cref="MaxAlignment"/>.</param>
    /// <exception cref="ArgumentException">The alignment is not such a power, or the rounded size does not fit in a machine word.</exception>
    /// <exception cref="AllocatorOutOfMemoryException">No memory; the message states the reason and the figures.</exception>
    public void* AllocAligned(ref ThreadCache cache, nuint size, nuint alignment)
    {
        if (TryRound(size, alignment, out var rounded) && rounded <= SizeClasses.TableLimit)
            return Alloc(ref cache, rounded);
        var error = AllocAlignedGuarded(ref cache, size, alignment, out var pointer);
        if (error != AllocError.None)
            throw Failure(error, size);
        return pointer;
    }

    /// <summary>Frees what <see cref="AllocAligned(ref ThreadCache, nuint, nuint)"/> gave out, with the same size and alignment.</summary>
    public void FreeAligned(ref ThreadCache cache, void* pointer, nuint size, nuint alignment)
    {
        if (TryRound(size, alignment, out var rounded) && alignment <= SizeClasses.MaxSize && rounded <= SizeClasses.MaxSize)
            Free(ref cache, pointer, rounded);
        else
            Free(ref cache, pointer);
    }

    /// <summary>
    /// Resizes: the first min(old, new) bytes are kept, and the memory may move. Null allocates; size 0 keeps a minimal slot and never frees. On failure the old memory is untouched.
    /// </summary>
    /// <returns>Where the memory is now; the old pointer is dead unless it is the same.</returns>
    /// <inheritdoc cref="Alloc(ref ThreadCache, nuint)"/>
    public void* Realloc(ref ThreadCache cache, void* pointer, nuint newSize)
    {
        if (newSize <= SizeClasses.TableLimit && TryReallocHit(cache.Bound, pointer, newSize) is var hit && hit != null)
            return hit;
        var error = ReallocGuarded(ref cache, pointer, newSize, 1, out var moved);
        if (error != AllocError.None)
            throw ReallocFailure(error, pointer, newSize);
        return moved;
    }

    /// <summary>Small to small: the same slot, or a slot and a place at hand in the cache for the move. Null: the long way has to look.</summary>
    private void* TryReallocHit(CacheRecord* record, void* pointer, nuint newSize)
    {
        if ((nint)record <= 0)
            return null;
        var granule = ((ulong)pointer - record->Base) >> Stretch.GranuleShift;
        if (granule >= record->Granules)
            return null;
        int sizeClass = record->ClassMap[granule];
        var info = record->Heap->Classes + sizeClass;
        var offset = (ulong)pointer & ((1ul << info->BlockShift) - 1);
        if (sizeClass == SizeClasses.None || (ulong)info->SlotAt(offset) * (ulong)info->SlotSize != offset)
            return null;
        var wanted = SizeClasses.ClassOf(newSize);
        if (wanted == sizeClass)
            return pointer;
        var from = *CacheRecord.Top(record, wanted);
        var to = *CacheRecord.Top(record, sizeClass);
        var slot = *from;
        if (slot == 0 || (ulong)to >= *CacheRecord.Limit(record, sizeClass))
            return null;
        *CacheRecord.Top(record, wanted) = from - 1;
        Unsafe.CopyBlockUnaligned((void*)slot, pointer, (uint)Math.Min((nuint)info->SlotSize, newSize));
        *++to = (ulong)pointer;
        *CacheRecord.Top(record, sizeClass) = to;
        return (void*)slot;
    }

    /// <summary>As <see cref="Realloc(ref ThreadCache, void*, nuint)"/>, at a multiple of <paramref name="alignment"/>; to be freed like aligned memory of the new size.</summary>
    public void* ReallocAligned(ref ThreadCache cache, void* pointer, nuint newSize, nuint alignment)
    {
        var error = ReallocGuarded(ref cache, pointer, newSize, alignment, out var moved);
        if (error != AllocError.None)
            throw ReallocFailure(error, pointer, newSize);
        return moved;
    }

    /// <summary>Bytes that may be used at a live pointer, all of them: at least what was asked for. 0 for null and for what is not live here.</summary>
    public nuint UsableSize(void* pointer) =>
        _heap == null || pointer == null || (_checked && !FactsOf(pointer).IsLive) ? 0 : SizeAt(pointer);

    /// <summary>Bytes that a request of that size may use, at the default minimum alignment; a medium size may get a slot that is longer.</summary>
    public static nuint GoodSize(nuint size)
    {
        var sizeClass = SizeClasses.ClassOf(size);
        return sizeClass == SizeClasses.None ? (nuint)Large<HardwareAtomics, ShippedGeometry>.BytesOf(size) : (nuint)SizeClasses.SlotSize(sizeClass, 8);
    }

    /// <summary>
    /// Whether the address belongs to this allocator: inside any block, live or free, or inside a live region or mapping.
    /// </summary>
    public bool Owns(void* pointer) =>
        _heap != null && (_engine.Locate(_heap, (ulong)pointer, out _) || _engine.FindLarge(_heap, (ulong)pointer, out _) != 0);

    /// <summary>How the memory at an address is served, start or inside, live or free: by compares and shifts; a look at a table for mappings alone.</summary>
    public SizeCategory CategoryOf(void* pointer)
    {
        if (_heap == null)
            return SizeCategory.None;
        if (_engine.Locate(_heap, (ulong)pointer, out var block))
            return block.Space->Owner->Family == 0 ? SizeCategory.Small : SizeCategory.Medium;
        if (_engine.LocateRegion(_heap, (ulong)pointer, out _))
            return SizeCategory.Region;
        return _engine.FindLarge(_heap, (ulong)pointer, out _) != 0 ? SizeCategory.Direct : SizeCategory.None;
    }

    private AllocError AllocZeroedCore(ref ThreadCache cache, nuint size, out void* pointer)
    {
        var error = Ready(ref cache);
        pointer = null;
        if (error != AllocError.None)
            return error;
        if (size > MaxMediumSize)
        {
            error = AllocLarge(ref cache, size, 1, out pointer, out var dirtyBytes);

            // The rest comes straight from the system.
            if (pointer != null && !_engine.TryZeroLarge(_heap, (ulong)pointer, dirtyBytes))
                NativeMemory.Clear(pointer, dirtyBytes);
            return error;
        }

        var sizeClass = SizeClasses.ClassOf(size);
        if (size >= ZeroKnownSize && !_disabled && **CacheRecord.Top(cache.Record, sizeClass) == 0)
        {
            pointer = (void*)_engine.AllocZero(cache.Record, sizeClass, out var outcome);
            if (pointer != null || outcome == Outcome.CacheMisused)
                return Errors.Of(outcome);
        }

        error = AllocOfClass(ref cache, sizeClass, out pointer);
        if (pointer != null)
            NativeMemory.Clear(pointer, sizeClass > SizeClasses.LastSmall ? SizeAt(pointer) : (nuint)_heap->Classes[sizeClass].SlotSize); // A medium slot may be longer than its size says.
        return error;
    }

    private AllocError AllocAlignedCore(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer)
    {
        pointer = null;
        if (!IsAlignment(alignment))
            return AllocError.BadAlignment;
        if (!TryRound(size, alignment, out var rounded))
            return AllocError.SizeOverflow;
        if (alignment > SizeClasses.MaxSize || rounded > SizeClasses.MaxSize)
        {
            var error = Ready(ref cache);
            return error != AllocError.None ? error : AllocLarge(ref cache, Math.Max(size, 1), alignment, out pointer, out _);
        }

        return AllocSlow(ref cache, rounded, out pointer, alignment);
    }

    private AllocError ReallocGuarded(ref ThreadCache cache, void* pointer, nuint newSize, nuint alignment, out void* moved)
    {
        moved = null;
        var error = CheckRealloc(newSize, alignment, out var rounded);
        if (error == AllocError.None && pointer != null)
            error = Ready(ref cache);
        nuint oldSize = 0;
        if (error == AllocError.None)
            error = PlanRealloc(cache.Record, pointer, newSize, rounded, alignment, out oldSize, out moved);
        if (error != AllocError.None || moved != null)
            return error;
        error = AllocAlignedGuarded(ref cache, newSize, alignment, out moved);
        if (error != AllocError.None || pointer == null)
            return error;
        if (TryMovePages(cache.Record, pointer, moved, Math.Min(oldSize, newSize)))
            return AllocError.None;
        Buffer.MemoryCopy(pointer, moved, newSize, Math.Min(oldSize, newSize));

        // The move has happened: news about earlier frees waits for a call that only frees.
        KeepNews(cache.Record, FreeGuarded(ref cache, pointer, null));
        AfterMove(cache.Record, oldSize);
        return AllocError.None;
    }

    /// <summary>What grows by realloc leaves a trail as long as itself. Looked at before the rest of the new memory is touched.</summary>
    private void AfterMove(CacheRecord* record, nuint oldSize)
    {
        if (oldSize > MaxSmallSize)
            _engine.AfterMove(_heap, record, oldSize);
    }

    /// <summary>Moves contents between regions or mappings, and frees the old memory; false where they have to be copied.</summary>
    private bool TryMovePages(CacheRecord* record, void* from, void* to, nuint bytes)
    {
        if (bytes < MaxMediumSize || _engine.Locate(_heap, (ulong)from, out _) || _engine.Locate(_heap, (ulong)to, out _))
            return false;
        if (!_engine.TryMoveLarge(_heap, record, (ulong)from, (ulong)to, bytes, out var outcome))
            return false;
        KeepNews(record, Errors.Of(outcome));
        return true;
    }

    private AllocError CheckRealloc(nuint newSize, nuint alignment, out nuint rounded)
    {
        rounded = 0;
        if (!IsAlignment(alignment))
            return AllocError.BadAlignment;
        if (!TryRound(newSize, alignment, out rounded))
            return AllocError.SizeOverflow;
        if (newSize > MaxSize)
            return AllocError.SizeTooLarge;
        return _heap == null ? AllocError.Disposed : AllocError.None;
    }

    /// <summary>What a realloc comes to: an error, the memory as it is (<paramref name="moved"/>), or fresh memory to which min(<paramref name="oldSize"/>, new size) bytes are copied.</summary>
    private AllocError PlanRealloc(CacheRecord* record, void* pointer, nuint newSize, nuint rounded, nuint alignment, out nuint oldSize, out void* moved)
    {
        moved = null;
        oldSize = 0;
        if (pointer == null)
            return AllocError.None;
        if (_checked && !IsMarked(pointer) && FactsOf(pointer).Judge() is var judged && judged != AllocError.None)
            return judged;
        oldSize = SizeAt(pointer);
        if (oldSize == 0)
            return AllocError.InvalidPointer;
        if (((nuint)pointer & (alignment - 1)) == 0 && FitsInPlace(record, (ulong)pointer, newSize, rounded, alignment))
            moved = pointer;
        return AllocError.None;
    }

    private static void KeepNews(CacheRecord* record, AllocError news)
    {
        if (news != AllocError.None && record->News == 0)
            record->News = (ulong)Errors.OutcomeOf(news);
    }

    private nuint SizeAt(void* pointer)
    {
        if (TryClassOf((ulong)pointer, out var sizeClass))
            return sizeClass == SizeClasses.None ? 0 : (nuint)_heap->Classes[sizeClass].SlotSize;
        return (nuint)_engine.LargeSize(_heap, (ulong)pointer);
    }

    private Exception ReallocFailure(AllocError error, void* pointer, nuint newSize) =>
        error is AllocError.InvalidPointer or AllocError.DoubleFree ? PointerFailure(error, nameof(Realloc), pointer, null) : Failure(error, newSize);

    /// <summary>The class that a fresh allocation would get is the one it has (anything else would break a sized free), or the region could be made longer or shorter where it is.</summary>
    private bool FitsInPlace(CacheRecord* record, ulong address, nuint newSize, nuint rounded, nuint alignment)
    {
        var wanted = alignment > SizeClasses.MaxSize ? SizeClasses.None : SizeClasses.ClassOf(rounded);
        return TryClassOf(address, out var sizeClass) ? wanted == sizeClass || (wanted > SizeClasses.LastSmall && sizeClass > wanted && sizeClass <= wanted + ClassPlan.MediumStepsUp)
            : wanted == SizeClasses.None && _engine.TryResizeLarge(_heap, record, address, newSize, out _);
    }

    private static bool IsAlignment(nuint alignment) => BitOperations.IsPow2((ulong)alignment) && alignment <= MaxAlignment;

    /// <summary>A slot whose size is a multiple of the alignment lies at one; 0 bytes count as 1 where an alignment is asked for.</summary>
    private static bool TryRound(nuint size, nuint alignment, out nuint rounded)
    {
        rounded = size;
        if (alignment <= 8)
            return IsAlignment(alignment);
        rounded = (Math.Max(size, 1) + alignment - 1) & ~(alignment - 1);
        return rounded >= size && IsAlignment(alignment);
    }
}
