namespace BitTreeAlloc.Atomics;

/// <summary>
/// The seam through which the lock-free core touches shared memory: methods named by their order, over native addresses.
/// The shipped instance (<see cref="HardwareAtomics"/>) compiles to bare instructions; a checker supplies its own and runs the same IL.
/// </summary>
/// <remarks>
/// <para>There is no relaxed load: a plain load may be hoisted or merged by the JIT, and load buffering is the one behaviour a graph explorer cannot show.</para>
/// <para>Every call names its <see cref="Site"/>, a constant that vanishes in the shipped instance. A site is what a mutant weakens and what a report prints.</para>
/// <para>Read-modify-writes are acquire-release; a failing compare-exchange is an acquire load. Nothing in the core may lean on the full fence that the hardware adds.</para>
/// </remarks>
public unsafe interface IAtomics
{
    /// <summary>Acquire load of one 64-bit word.</summary>
    static abstract ulong LoadAcquire(ulong* address, Site site);

    /// <summary>Release store of one 64-bit word.</summary>
    static abstract void StoreRelease(ulong* address, ulong value, Site site);

    /// <summary>Stores <paramref name="desired"/> when the word equals <paramref name="expected"/>; acquire-release, acquire where it fails.</summary>
    static abstract bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site);

    /// <summary>Stores a value and returns the one before; acquire-release.</summary>
    static abstract ulong ExchangeAcqRel(ulong* address, ulong value, Site site);

    /// <summary>Adds (wrapping) and returns the value before; acquire-release.</summary>
    static abstract ulong FetchAddAcqRel(ulong* address, ulong value, Site site);

    /// <summary>Clears the bits that are 0 in <paramref name="mask"/> and returns the value before; acquire-release.</summary>
    static abstract ulong FetchAndAcqRel(ulong* address, ulong mask, Site site);

    /// <summary>Sets the bits that are 1 in <paramref name="mask"/> and returns the value before; acquire-release.</summary>
    static abstract ulong FetchOrAcqRel(ulong* address, ulong mask, Site site);

    /// <summary>Acquire load of one half of a 16-byte word. Two halves are two loads: the compare-exchange that follows finds the tear.</summary>
    static abstract ulong LoadHalfAcquire(Word16* address, int half, Site site);

    /// <summary>16-byte compare-exchange, acquire-release. <paramref name="address"/> is 16-byte aligned.</summary>
    static abstract bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site);

    /// <summary>Sequentially consistent fence of the calling thread.</summary>
    static abstract void FenceSeqCst(Site site);

    /// <summary>Makes every running thread of the process pass a full fence before it returns (the heavy half of an asymmetric barrier).</summary>
    static abstract void FenceProcessWide(Site site);

    /// <summary>Plain read of metadata that only its present owner writes. A checker reports a read that races.</summary>
    static abstract ulong ReadPlain(ulong* address, Site site);

    /// <summary>Plain write of metadata that only the caller may touch now. A checker reports a write that races.</summary>
    static abstract void WritePlain(ulong* address, ulong value, Site site);

    /// <summary>Plain write of one byte of the class map, by the holder of its block.</summary>
    static abstract void WriteByte(byte* address, byte value, Site site);
}
