namespace BitTreeAlloc.Atomics;

/// <summary>The places of the core that touch shared words. The name is what reports print; the tag in the comment stands at both ends of the pairing.</summary>
public enum Site
{
    /// <summary>No site: initialisation before publication, and tests.</summary>
    None = 0,
}
