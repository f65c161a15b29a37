namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>What one step of a program asks of the allocator.</summary>
internal enum Verb
{
    Alloc,
    AllocZeroed,

    /// <summary>AllocZeroed(count, elementSize): the count stands in <see cref="Step.Alignment"/>.</summary>
    AllocCounted,
    AllocAligned,

    /// <summary>Realloc, or ReallocAligned where the alignment is not 0.</summary>
    Realloc,
    Free,

    /// <summary>Free with the size, or FreeAligned for a block that was asked for with an alignment.</summary>
    FreeSized,

    /// <summary>Compares a block's bytes with its pattern.</summary>
    Verify,

    /// <summary>Compares GetStatistics with the oracle.</summary>
    Figures,
    Park,
    Trim,

    /// <summary>Trim(ref cache).</summary>
    TrimCache,

    /// <summary>Disposes of a cache and takes a new one; with <see cref="Step.Try"/> a default(ThreadCache), that binds itself.</summary>
    RenewCache,

    /// <summary>The k-th next OS call (k = Size) and the following (Alignment in all) are refused.</summary>
    DenyOs,
}

/// <summary>One step. <see cref="Block"/> is the token of the block it makes or uses; tokens are never used again, so steps can be removed without changing what others mean.</summary>
internal readonly record struct Step(Verb Verb, int Block = -1, nuint Size = 0, nuint Alignment = 0, int Cache = 0, bool Try = false)
{
    /// <summary>The ambient cache: the overloads without a cache argument.</summary>
    public const int Ambient = -1;

    public bool Makes => Verb is Verb.Alloc or Verb.AllocZeroed or Verb.AllocCounted or Verb.AllocAligned;

    public bool Frees => Verb is Verb.Free or Verb.FreeSized;

    public bool Uses => Frees || Verb is Verb.Realloc or Verb.Verify;
}
