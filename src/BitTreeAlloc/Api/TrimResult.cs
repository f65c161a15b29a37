namespace BitTreeAlloc;

/// <summary>What one trim gave back.</summary>
/// <param name="PurgedBytes">Bytes of pages whose memory went back to the operating system.</param>
/// <param name="FlushedSlots">Slots that went from caches and recyclers back to their blocks.</param>
public readonly record struct TrimResult(nuint PurgedBytes, long FlushedSlots);
