namespace BitTreeAlloc;

/// <summary>No memory, for the reason in <see cref="Error"/>; the message states the allocator's figures. Nothing that a user sees has changed.</summary>
public sealed class AllocatorOutOfMemoryException : OutOfMemoryException
{
    /// <summary>Made by an allocator.</summary>
    internal AllocatorOutOfMemoryException(AllocError error, nuint size, string message)
        : base(message)
    {
        Error = error;
        RequestedBytes = size;
    }

    /// <summary>Why.</summary>
    public AllocError Error { get; }

    /// <summary>Bytes asked for.</summary>
    public nuint RequestedBytes { get; }
}

/// <summary>The caller broke the contract: a double or foreign free, a wrong size, a cache used by two threads or with another allocator.</summary>
public sealed class AllocatorMisuseException : InvalidOperationException
{
    /// <summary>Made by an allocator.</summary>
    internal AllocatorMisuseException(AllocError error, string message)
        : base(message) => Error = error;

    /// <summary>What was broken.</summary>
    public AllocError Error { get; }
}
