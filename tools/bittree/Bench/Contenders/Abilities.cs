namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>What a contender can do, and what a loop needs.</summary>
[Flags]
internal enum Abilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Objects of bytes to kilobytes at a sensible price.</summary>
    Small = 1,

    /// <summary>Buffers of megabytes at a sensible price.</summary>
    Large = 2,

    /// <summary>Allocations with a stated alignment.</summary>
    Aligned = 4,

    /// <summary>Allocations of zeros, by a call of its own.</summary>
    Zeroed = 8,

    /// <summary>Frees without a size.</summary>
    Unsized = 16,

    /// <summary>All of it.</summary>
    All = Small | Large | Aligned | Zeroed | Unsized,
}
