using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// Every call off the hit path passes here. At the checked level: into the cache, the pointer judged, its mark changed while the slot is the caller's, the call itself, and out again.
/// At the fast one straight to the call.
/// </summary>
public sealed unsafe partial class BitTreeAllocator
{
    private MarkView _marks;

    // For explicit caches. What limits were met is told last, when nobody is inside any more.
    private AllocError AllocGuarded(ref ThreadCache cache, nuint size, out void* pointer) =>
        Told(AllocUntold(ref cache, size, out pointer), cache.Record, size, ref pointer);

    private AllocError AllocZeroedGuarded(ref ThreadCache cache, nuint size, out void* pointer) =>
        Told(AllocZeroedUntold(ref cache, size, out pointer), cache.Record, size, ref pointer);

    private AllocError AllocAlignedGuarded(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer) =>
        Told(AllocAlignedUntold(ref cache, size, alignment, out pointer), cache.Record, size, ref pointer);

    private AllocError AllocUntold(ref ThreadCache cache, nuint size, out void* pointer)
    {
        if (!_checked)
            return AllocSlow(ref cache, size, out pointer);
        pointer = null;
        var error = EnterGuard(ref cache);
        return error != AllocError.None ? error : LeaveGuard(ref cache, AllocSlow(ref cache, size, out pointer), ref pointer);
    }

    private AllocError AllocZeroedUntold(ref ThreadCache cache, nuint size, out void* pointer)
    {
        if (!_checked)
            return AllocZeroedCore(ref cache, size, out pointer);
        pointer = null;
        var error = EnterGuard(ref cache);
        return error != AllocError.None ? error : LeaveGuard(ref cache, AllocZeroedCore(ref cache, size, out pointer), ref pointer);
    }

    private AllocError AllocAlignedUntold(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer)
    {
        if (!_checked)
            return AllocAlignedCore(ref cache, size, alignment, out pointer);
        pointer = null;
        var error = EnterGuard(ref cache);
        return error != AllocError.None ? error : LeaveGuard(ref cache, AllocAlignedCore(ref cache, size, alignment, out pointer), ref pointer);
    }

    private AllocError FreeGuarded(ref ThreadCache cache, void* pointer, nuint? size)
    {
        if (pointer == null)
            return AllocError.None;
        if (!_checked)
            return FreeInside(ref cache, pointer, size);
        var error = EnterGuard(ref cache);
        if (error != AllocError.None)
            return error;
        error = FactsOf(pointer).Judge(size);
        if (error == AllocError.None)
        {
            var mark = MarkOf(pointer);
            if (mark != null)
                *mark = 0;
            error = FreeInside(ref cache, pointer, size);
            if (error == AllocError.CacheMisused && mark != null)
                *mark = LiveMarks.Of((ulong)pointer); // Somebody raced into the slow path: the slot was not taken in.
        }

        CacheGuard.Leave(cache.Record);
        return error;
    }

    private AllocError FreeInside(ref ThreadCache cache, void* pointer, nuint? size) =>
        size is { } named ? FreeSlow(ref cache, pointer, SizeClasses.ClassOf(named)) : FreeUnsized(ref cache, pointer);

    /// <summary>Ready, and nobody inside.</summary>
    private AllocError EnterGuard(ref ThreadCache cache)
    {
        var error = Ready(ref cache);
        if (error != AllocError.None)
            return error;
        return CacheGuard.TryEnter(cache.Record) ? AllocError.None : AllocError.CacheMisused;
    }

    /// <summary>What was got is the caller's from here on; unless it is somebody's already: two threads took it from one cache at the same time, and it is left to the other.</summary>
    private AllocError LeaveGuard(ref ThreadCache cache, AllocError error, ref void* got)
    {
        var mark = error == AllocError.None && got != null ? MarkOf(got) : null;
        if (mark != null && *mark != 0)
        {
            got = null;
            error = AllocError.CacheMisused;
        }
        else if (mark != null)
        {
            *mark = LiveMarks.Of((ulong)got);
        }

        CacheGuard.Leave(cache.Record);
        return error;
    }

    private bool IsMarked(void* pointer)
    {
        var mark = MarkOf(pointer);
        return mark != null && *mark == LiveMarks.Of((ulong)pointer);
    }

    /// <summary>The mark of an address in a block that was born; null for a mapping of its own and what is not ours.</summary>
    private byte* MarkOf(void* pointer)
    {
        var offset = (ulong)pointer - _marks.Base;
        if (offset < _marks.Bytes)
        {
            int sizeClass = _marks.ClassMap[offset >> Stretch.GranuleShift];
            return sizeClass == SizeClasses.None ? null : _marks.Marks + (offset >> LiveMarks.Shift(sizeClass));
        }

        return _engine.Locate(_heap, (ulong)pointer, out var block) ? LiveMarks.At(block, (ulong)pointer) : null;
    }

    private PointerFacts FactsOf(void* pointer) => PointerFacts.Of(_engine, _heap, (ulong)pointer);

    /// <summary>The exception for a call that was given this pointer; with the block's figures where the pointer is what was wrong.</summary>
    private Exception PointerFailure(AllocError error, string call, void* pointer, nuint? size)
    {
        if (_checked && _heap != null && error is AllocError.DoubleFree or AllocError.InvalidPointer or AllocError.WrongSize)
        {
            var facts = FactsOf(pointer);
            if (facts.Judge(size) == error)
                return new AllocatorMisuseException(error, MisuseText.Of(call, error, facts, size));
        }

        return error == AllocError.Disposed ? Errors.Disposed() : Errors.Misuse(error);
    }
}
