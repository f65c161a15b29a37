namespace BitTreeAlloc;

/// <summary>Paying for the first allocations before they are due.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>Twice: the second pass runs the code that the next allocations will run, with memory that is there already.</summary>
    private const int WarmUpPasses = 2;

    /// <summary>
    /// Makes the next <paramref name="count"/> allocations of that size through this cache free of system calls, of garbage and of compilation: it allocates that many and frees them again.
    /// Blocks, magazines and the table of the cache are there then, and the code is compiled.
    /// </summary>
    /// <remarks>
    /// <para>It holds while nobody else takes the memory: other threads of the same allocator, other classes, <see cref="Trim()"/>. Slots are not touched, so their pages may still fault in.</para>
    /// <para>For the time of the call it needs 8 bytes more per slot, from the allocator itself. Owner of the cache only; others may work meanwhile.</para>
    /// </remarks>
    /// <param name="cache">The caller's cache.</param>
    /// <param name="size">Bytes, 0 to <see cref="MaxMediumSize"/>.</param>
    /// <param name="count">How many, 0 or more. 0 only binds the cache.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative, or the size is above <see cref="MaxMediumSize"/>.</exception>
    /// <exception cref="AllocatorOutOfMemoryException">There is no memory for so many at once; what was taken has been given back.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public void WarmUp(ref ThreadCache cache, nuint size, int count)
    {
        CheckWarmUp(size, count);
        var error = Ready(ref cache);
        if (error != AllocError.None)
            throw Failure(error, size);
        if (count == 0)
            return;
        var list = (nint*)Alloc(ref cache, (nuint)count * (nuint)sizeof(nint));
        var taken = 0;
        try
        {
            for (var pass = 0; pass < WarmUpPasses; pass++)
            {
                for (; taken < count; taken++)
                    list[taken] = (nint)Alloc(ref cache, size);
                for (; taken > 0; taken--)
                    Free(ref cache, (void*)list[taken - 1], size);
            }
        }
        finally
        {
            for (; taken > 0; taken--)
                Free(ref cache, (void*)list[taken - 1], size);
            Free(ref cache, list);
        }
    }

    /// <summary>As <see cref="WarmUp(ref ThreadCache, nuint, int)"/>, for the calls of the calling thread without a cache.</summary>
    /// <inheritdoc cref="WarmUp(ref ThreadCache, nuint, int)"/>
    public void WarmUp(nuint size, int count)
    {
        CheckWarmUp(size, count);
        if (count == 0)
        {
            Free(Alloc(size), size);
            return;
        }

        var list = (nint*)Alloc((nuint)count * (nuint)sizeof(nint));
        var taken = 0;
        try
        {
            for (var pass = 0; pass < WarmUpPasses; pass++)
            {
                for (; taken < count; taken++)
                    list[taken] = (nint)Alloc(size);
                for (; taken > 0; taken--)
                    Free((void*)list[taken - 1], size);
            }
        }
        finally
        {
            for (; taken > 0; taken--)
                Free((void*)list[taken - 1], size);
            Free(list);
        }
    }

    private static void CheckWarmUp(nuint size, int count)
    {
        if (count < 0)
            throw new ArgumentOutOfRangeException(nameof(count), count, "The number of allocations to warm up for has to be 0 or more.");
        if (size > MaxMediumSize)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"Only sizes up to {MaxMediumSize} bytes can be warmed up.");
    }
}
