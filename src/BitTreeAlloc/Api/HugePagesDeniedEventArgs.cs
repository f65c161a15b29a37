namespace BitTreeAlloc;

/// <summary>Huge pages cannot be had as the policy asks; the allocator goes on with ordinary ones.</summary>
/// <param name="reason">What the system says, and what can be done.</param>
public sealed class HugePagesDeniedEventArgs(string reason) : EventArgs
{
    /// <summary>What the system says, and what can be done.</summary>
    public string Reason { get; } = reason;
}
