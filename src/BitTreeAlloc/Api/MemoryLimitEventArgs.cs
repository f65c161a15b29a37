namespace BitTreeAlloc;

/// <summary>Which limit was met.</summary>
public enum MemoryLimitKind
{
    /// <summary><see cref="BitTreeAllocator.SoftLimitBytes"/> was crossed from below. The request was served or fails for another reason.</summary>
    Soft = 0,

    /// <summary>A request failed with <see cref="AllocError.LimitReached"/>.</summary>
    Hard,
}

/// <summary>What is told with <see cref="BitTreeAllocator.LimitReached"/>.</summary>
/// <param name="kind">Which limit.</param>
/// <param name="limitBytes">The limit in bytes.</param>
/// <param name="chargedBytes">Bytes charged.</param>
/// <param name="requestedBytes">Bytes asked for.</param>
public sealed class MemoryLimitEventArgs(MemoryLimitKind kind, ulong limitBytes, ulong chargedBytes, ulong requestedBytes) : EventArgs
{
    /// <summary>Which limit.</summary>
    public MemoryLimitKind Kind { get; } = kind;

    /// <summary>The limit in bytes when the event was raised.</summary>
    public ulong LimitBytes { get; } = limitBytes;

    /// <summary>Bytes charged: at the crossing with what was about to be added (soft), or after the request had failed (hard).</summary>
    public ulong ChargedBytes { get; } = chargedBytes;

    /// <summary>Bytes that the caller asked for.</summary>
    public ulong RequestedBytes { get; } = requestedBytes;
}
