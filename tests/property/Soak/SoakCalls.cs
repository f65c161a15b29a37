namespace BitTreeAlloc.Tests.Property.Soak;

internal enum SoakVerb
{
    Alloc,
    TryAlloc,
    AllocZeroed,
    TryAllocZeroed,
    AllocAligned,
    TryAllocAligned,
}

/// <summary>The public calls, each with the caller's cache or with the thread's own. Both ways of failing end in a reason.</summary>
internal unsafe class SoakCalls(BitTreeAllocator allocator)
{
    protected BitTreeAllocator Allocator { get; } = allocator;

    public virtual AllocError Take(SoakVerb verb, ref ThreadCache cache, bool ambient, nuint size, nuint alignment, out nuint address)
    {
        void* pointer = null;
        var error = AllocError.None;
        try
        {
            switch (verb)
            {
                case SoakVerb.Alloc:
                    pointer = ambient ? Allocator.Alloc(size) : Allocator.Alloc(ref cache, size);
                    break;
                case SoakVerb.AllocZeroed:
                    pointer = ambient ? Allocator.AllocZeroed(size) : Allocator.AllocZeroed(ref cache, size);
                    break;
                case SoakVerb.AllocAligned:
                    pointer = ambient ? Allocator.AllocAligned(size, alignment) : Allocator.AllocAligned(ref cache, size, alignment);
                    break;
                case SoakVerb.TryAlloc:
                    _ = ambient ? Allocator.TryAlloc(size, out pointer, out error) : Allocator.TryAlloc(ref cache, size, out pointer, out error);
                    break;
                case SoakVerb.TryAllocZeroed:
                    _ = ambient ? Allocator.TryAllocZeroed(size, out pointer, out error) : Allocator.TryAllocZeroed(ref cache, size, out pointer, out error);
                    break;
                default:
                    _ = ambient ? Allocator.TryAllocAligned(size, alignment, out pointer, out error) : Allocator.TryAllocAligned(ref cache, size, alignment, out pointer, out error);
                    break;
            }
        }
        catch (AllocatorOutOfMemoryException refused)
        {
            error = refused.Error;
        }

        address = (nuint)pointer;
        return error;
    }

    public virtual AllocError Resize(ref ThreadCache cache, bool ambient, nuint old, nuint size, nuint alignment, out nuint address)
    {
        address = 0;
        try
        {
            if (alignment > 1)
                address = (nuint)(ambient ? Allocator.ReallocAligned((void*)old, size, alignment) : Allocator.ReallocAligned(ref cache, (void*)old, size, alignment));
            else
                address = (nuint)(ambient ? Allocator.Realloc((void*)old, size) : Allocator.Realloc(ref cache, (void*)old, size));
            return AllocError.None;
        }
        catch (AllocatorOutOfMemoryException refused)
        {
            return refused.Error;
        }
    }

    public virtual void GiveBack(ref ThreadCache cache, bool ambient, bool sized, nuint address, nuint size, nuint alignment)
    {
        var pointer = (void*)address;
        if (!sized && ambient)
            Allocator.Free(pointer);
        else if (!sized)
            Allocator.Free(ref cache, pointer);
        else if (alignment > 1 && ambient)
            Allocator.FreeAligned(pointer, size, alignment);
        else if (alignment > 1)
            Allocator.FreeAligned(ref cache, pointer, size, alignment);
        else if (ambient)
            Allocator.Free(pointer, size);
        else
            Allocator.Free(ref cache, pointer, size);
    }
}
