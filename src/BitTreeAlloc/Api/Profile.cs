namespace BitTreeAlloc;

/// <summary>A memory policy: what is paid in page faults for a lower footprint. Not to be confused with a level (how much is checked).</summary>
public enum Profile
{
    /// <summary>The default: footprint and time in balance (docs/performance.md has both beside other allocators').</summary>
    Balanced = 0,

    /// <summary>Keeps more of what it touched, and gives nothing back by ticks: fewer page faults.</summary>
    LowLatency,

    /// <summary>The smallest footprint; pays in page faults.</summary>
    Frugal,

    /// <summary>For few, large buffers.</summary>
    LargeBuffers,
}
