namespace BitTreeAlloc;

/// <summary>A memory policy: what is paid in page faults for a lower footprint. Not to be confused with a level (how much is checked).</summary>
public enum Profile
{
    /// <summary>The default: footprint near the peers', time ahead of them.</summary>
    Balanced = 0,

    /// <summary>Keeps what it touched longest; the fewest page faults.</summary>
    LowLatency,

    /// <summary>The smallest footprint; pays in page faults.</summary>
    Frugal,

    /// <summary>For few, large buffers.</summary>
    LargeBuffers,
}
