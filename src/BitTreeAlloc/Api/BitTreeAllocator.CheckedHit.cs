using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The hit path of a checked cache. Its record is negated, so the ordinary hit path turns off to here with every call. No atomic, no call that returns, and so no frame to speak of: what is not
/// a hit leaves by a tail call. It knows the first stretch; slots of later ones go by the guarded calls.
/// </summary>
/// <remarks>
/// Two things stand as they do for the machine code. The methods are too long to be inlined, but not marked so: the runtime makes no tail calls from methods that are. And the way out stands
/// before the hit: behind it, what the hit holds would live across a call as the register allocator sees it, and six registers would be saved and restored each time.
/// </remarks>
public sealed unsafe partial class BitTreeAllocator
{
    private void* AllocChecked(ref ThreadCache cache, nuint size, nint bound, int sizeClass)
    {
        if (bound < 0)
            goto hit;
    cold:
        return AllocMiss(ref cache, size);

    hit:
        var record = (CacheRecord*)-bound;
        if (record->Inside != _serial)
            goto cold;
        var top = *CacheRecord.Top(record, sizeClass);
        var slot = *top;

        // The 0 of an empty magazine is outside of every stretch too.
        var offset = slot - _marks.Base;
        if (offset >= _marks.Bytes)
            goto cold;

        // A live mark: two threads took the slot from one cache at the same time.
        var mark = _marks.Marks + (offset >> LiveMarks.Shift(sizeClass));
        if (*mark != 0)
            goto cold;
        *CacheRecord.Top(record, sizeClass) = top - 1;
        *mark = LiveMarks.Of(slot);
        return (void*)slot;
    }

    private void FreeChecked(ref ThreadCache cache, void* pointer, nuint size, nint bound, int sizeClass)
    {
        if (bound < 0)
            goto hit;
    cold:
        FreeMiss(ref cache, pointer, size);
        return;

    hit:
        var record = (CacheRecord*)-bound;
        if (record->Inside != _serial)
            goto cold;
        var offset = (ulong)pointer - _marks.Base;
        if (offset >= _marks.Bytes || _marks.ClassMap[offset >> Stretch.GranuleShift] != sizeClass)
            goto cold;
        var mark = _marks.Marks + (offset >> LiveMarks.Shift(sizeClass));
        if (*mark != LiveMarks.Of((ulong)pointer))
            goto cold;
        var top = *CacheRecord.Top(record, sizeClass);
        if ((ulong)top >= *CacheRecord.Limit(record, sizeClass))
            goto cold;
        *mark = 0;
        *++top = (ulong)pointer;
        *CacheRecord.Top(record, sizeClass) = top;
    }

    private void FreeChecked(ref ThreadCache cache, void* pointer, nint bound)
    {
        if (bound < 0)
            goto hit;
    cold:
        FreeMiss(ref cache, pointer);
        return;

    hit:
        var record = (CacheRecord*)-bound;
        if (record->Inside != _serial)
            goto cold;
        var offset = (ulong)pointer - _marks.Base;
        if (offset >= _marks.Bytes)
            goto cold;

        // Class 0, where no block was born: no mark may be read there.
        int sizeClass = _marks.ClassMap[offset >> Stretch.GranuleShift];
        if (sizeClass == SizeClasses.None)
            goto cold;
        var mark = _marks.Marks + (offset >> LiveMarks.Shift(sizeClass));
        if (*mark != LiveMarks.Of((ulong)pointer))
            goto cold;
        var top = *CacheRecord.Top(record, sizeClass);
        if ((ulong)top >= *CacheRecord.Limit(record, sizeClass))
            goto cold;
        *mark = 0;
        *++top = (ulong)pointer;
        *CacheRecord.Top(record, sizeClass) = top;
    }
}
