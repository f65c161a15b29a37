namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>What a program runs against: the allocator, or a double with a planted bug. Addresses are numbers, so that no test touches memory by accident.</summary>
internal interface IAllocatorUnderTest : IDisposable
{
    /// <summary>Alloc, AllocZeroed, AllocCounted, AllocAligned and Realloc (of <paramref name="old"/>).</summary>
    AllocError Serve(in Step step, nuint old, out nuint address);

    /// <summary>Free and FreeSized of a block that was asked for with this size and alignment (0: none).</summary>
    AllocError Free(in Step step, nuint address, nuint size, nuint alignment);

    /// <summary>Park, Trim, TrimCache, RenewCache, DenyOs.</summary>
    void Manage(in Step step);

    nuint UsableSize(nuint address);

    bool Owns(nuint address);

    nuint GoodSize(nuint size);

    Figures Figures();

    /// <summary>OS calls refused so far on a program's demand.</summary>
    long Denied { get; }
}

/// <summary>The figures that the oracle predicts exactly, and the two that it bounds. Direct: regions and mappings.</summary>
internal sealed record Figures(nuint LiveBytes, nuint DirectBytes, long DirectCount, nuint ReservedBytes, nuint CommittedBytes, IReadOnlyDictionary<int, long> LiveSlots);
