using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The hit path: small, not generic, no atomic, no call, no division, nothing shared but a limit that only the trimmer stores to. A disassembly test holds its instructions.
/// </summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>Memory of at least <paramref name="size"/> bytes. Owner of <paramref name="cache"/> only.</summary>
    /// <param name="cache">The caller's cache.</param>
    /// <param name="size">Bytes, 0 to <see cref="MaxSize"/>.</param>
    /// <returns>Never null. Contents undefined; alignment as described for the class.</returns>
    /// <exception cref="AllocatorOutOfMemoryException">No memory; the message states the reason and the figures.</exception>
    /// <exception cref="AllocatorMisuseException">The cache is used by two threads at once or belongs to another allocator.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    /// <example><code>var pointer = (int*)allocator.Alloc(ref cache, 100 * sizeof(int));</code></example>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(ref ThreadCache cache, nuint size)
    {
        var classes = _classByWords; // First: then it is the check of this for null.
        var record = cache.Bound;
        if (size <= SizeClasses.TableLimit)
        {
            nuint sizeClass = classes[(size + 7) >> 3];
            if ((nint)record <= 0)
                return AllocChecked(ref cache, size, (nint)record, (int)sizeClass);
            var top = *CacheRecord.Top(record, sizeClass);
            var slot = *top;
            if (slot != 0)
            {
                *CacheRecord.Top(record, sizeClass) = top - 1;
                return (void*)slot;
            }
        }

        return AllocMiss(ref cache, size);
    }

    /// <summary>Frees what this allocator gave out, from any thread, through any of its caches. Null does nothing.</summary>
    /// <param name="cache">The caller's cache.</param>
    /// <param name="pointer">The start of a live allocation, or null.</param>
    /// <param name="size">The size it was asked for (by Alloc, AllocZeroed or the last Realloc). A size of another class is found when the cache is flushed, or by this call at <see cref="Level.Checked"/>.</param>
    /// <exception cref="AllocatorMisuseException">An earlier free of this cache was wrong (found now), or the pointer is.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(ref ThreadCache cache, void* pointer, nuint size)
    {
        var classes = _classByWords; // First: then it is the check of this for null.
        var record = cache.Bound;
        if (size <= SizeClasses.TableLimit && pointer != null)
        {
            nuint sizeClass = classes[(size + 7) >> 3];
            if ((nint)record <= 0)
            {
                FreeChecked(ref cache, pointer, size, (nint)record, (int)sizeClass);
                return;
            }

            var top = *CacheRecord.Top(record, sizeClass);

            // A racing signal from the trimmer turns the limit to 0: seen now or at a later free, both are right.
            if ((ulong)top < *CacheRecord.Limit(record, sizeClass))
            {
                *++top = (ulong)pointer;
                *CacheRecord.Top(record, sizeClass) = top;
                return;
            }
        }

        FreeMiss(ref cache, pointer, size);
    }

    /// <summary>Frees without a size: the class comes from one byte of the class map. Null does nothing.</summary>
    /// <param name="cache">The caller's cache.</param>
    /// <param name="pointer">The start of a live allocation, or null.</param>
    /// <exception cref="AllocatorMisuseException">The pointer is not the start of a live allocation, or an earlier free of this cache was wrong (found now).</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(ref ThreadCache cache, void* pointer)
    {
        var record = cache.Bound;
        if ((nint)record > 0)
        {
            var granule = ((ulong)pointer - record->Base) >> Stretch.GranuleShift;
            if (granule < record->Granules)
            {
                nuint sizeClass = record->ClassMap[granule];
                var top = *CacheRecord.Top(record, sizeClass);
                if ((ulong)top < *CacheRecord.Limit(record, sizeClass))
                {
                    *++top = (ulong)pointer;
                    *CacheRecord.Top(record, sizeClass) = top;
                    return;
                }
            }
        }

        FreeChecked(ref cache, pointer, (nint)record);
    }
}
