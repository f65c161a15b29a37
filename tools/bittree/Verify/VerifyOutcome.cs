namespace BitTreeAlloc.Tool.Verify;

/// <summary>What a verifying replay found.</summary>
/// <param name="Errors">Violations.</param>
/// <param name="LeftOver">Objects that the allocator still counts as live, or whose memory was never given back.</param>
/// <param name="First">The text of the first violations.</param>
internal sealed record VerifyOutcome(long Errors, long LeftOver, IReadOnlyList<string> First);
