using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>Try-forms: a reason instead of an exception. After a failure every live allocation and the figures of live memory are as before.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary><see cref="Alloc(ref ThreadCache, nuint)"/>, or false with the reason and a null pointer.</summary>
    public bool TryAlloc(ref ThreadCache cache, nuint size, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : AllocGuarded(ref cache, size, out pointer);
        return error == AllocError.None;
    }

    /// <summary><see cref="AllocZeroed(ref ThreadCache, nuint)"/>, or false with the reason and a null pointer.</summary>
    public bool TryAllocZeroed(ref ThreadCache cache, nuint size, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : AllocZeroedGuarded(ref cache, size, out pointer);
        return error == AllocError.None;
    }

    /// <summary><see cref="AllocAligned(ref ThreadCache, nuint, nuint)"/>, or false with the reason and a null pointer.</summary>
    public bool TryAllocAligned(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : AllocAlignedGuarded(ref cache, size, alignment, out pointer);
        return error == AllocError.None;
    }

    /// <summary><see cref="Realloc(ref ThreadCache, void*, nuint)"/>, or false with the reason and a null pointer.</summary>
    public bool TryRealloc(ref ThreadCache cache, void* old, nuint newSize, out void* pointer, out AllocError error)
    {
        pointer = null;
        error = _disabled ? AllocError.Disabled : ReallocGuarded(ref cache, old, newSize, 1, out pointer);
        return error == AllocError.None;
    }

    /// <summary><see cref="Free(ref ThreadCache, void*)"/>, or false with the reason.</summary>
    public bool TryFree(ref ThreadCache cache, void* pointer, out AllocError error)
    {
        error = FreeGuarded(ref cache, pointer, null);
        return error == AllocError.None;
    }
}
