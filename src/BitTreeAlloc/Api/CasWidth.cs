namespace BitTreeAlloc;

/// <summary>The form of the recycler's head.</summary>
public enum CasWidth
{
    /// <summary>The environment variable BITTREE_CAS (16 or 8) where set, otherwise 16 bytes where the machine and the process allow it, otherwise 8.</summary>
    Auto = 0,

    /// <summary>32-bit magazine index and 32-bit generation in one 64-bit word.</summary>
    Eight = 8,

    /// <summary>Pointer and generation in one 16-byte word.</summary>
    Sixteen = 16,
}
