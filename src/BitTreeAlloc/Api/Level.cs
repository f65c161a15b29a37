namespace BitTreeAlloc;

/// <summary>How much an allocator checks at each call. Not to be confused with a profile (a memory policy). The levels differ in nothing else: the same slots, sizes and errors of shortage.</summary>
public enum Level
{
    /// <summary><see cref="Fast"/>, or <see cref="Checked"/> where the environment variable BITTREE_CHECK is 1.</summary>
    Auto = 0,

    /// <summary>Misuse is found when a cache hands slots back to their blocks.</summary>
    Fast,

    /// <summary>
    /// Misuse is found by the call that commits it, which changes nothing and throws with the figures of the block: double, invalid and interior frees, frees with a wrong size, a cache that
    /// somebody else is inside of or that belongs to another allocator. One byte of metadata per 32 bytes of blocks (8 for slots to 32 bytes).
    /// </summary>
    Checked,
}
