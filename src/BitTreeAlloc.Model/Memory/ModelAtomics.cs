using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>
/// The model's instance of the seam: every operation becomes an event of the engine that explores, with the order that the seam's method promises (Interlocked as acquire-release, no fence).
/// The shipped generic code runs on it unmodified.
/// </summary>
public readonly unsafe struct ModelAtomics : IAtomics
{
    /// <inheritdoc/>
    public static ulong LoadAcquire(ulong* address, Site site) => Read(address, MemoryOrder.Acquire, site);

    /// <inheritdoc/>
    public static void StoreRelease(ulong* address, ulong value, Site site) => Write(address, value, MemoryOrder.Release, site);

    /// <inheritdoc/>
    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) =>
        Modify(address, RmwKind.CompareExchange, expected, 0, desired, 0, site).Wrote;

    /// <inheritdoc/>
    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => Modify(address, RmwKind.Exchange, value, 0, 0, 0, site).Low;

    /// <inheritdoc/>
    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => Modify(address, RmwKind.Add, value, 0, 0, 0, site).Low;

    /// <inheritdoc/>
    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => Modify(address, RmwKind.And, mask, 0, 0, 0, site).Low;

    /// <inheritdoc/>
    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => Modify(address, RmwKind.Or, mask, 0, 0, 0, site).Low;

    /// <inheritdoc/>
    public static ulong LoadHalfAcquire(Word16* address, int half, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        if (memory.IsDirect)
            return half == 0 ? memory.CellAt(location).Low : memory.CellAt(location).High;
        return memory.Engine!.Read(location, memory.Weakening.Apply(site, MemoryOrder.Acquire), half, site);
    }

    /// <inheritdoc/>
    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) =>
        Modify((ulong*)address, RmwKind.CompareExchange, expected.Low, expected.High, desired.Low, desired.High, site).Wrote;

    /// <inheritdoc/>
    public static void FenceSeqCst(Site site)
    {
        var memory = ModelMemory.Current;
        if (!memory.IsDirect && !memory.Weakening.Is(site, WeakeningKind.Dropped))
            memory.Engine!.Fence(MemoryOrder.SeqCst, site);
    }

    /// <inheritdoc/>
    public static void FenceProcessWide(Site site) => FenceSeqCst(site);

    /// <inheritdoc/>
    public static ulong ReadPlain(ulong* address, Site site) => Read(address, MemoryOrder.Plain, site);

    /// <inheritdoc/>
    public static void WritePlain(ulong* address, ulong value, Site site) => Write(address, value, MemoryOrder.Plain, site);

    /// <inheritdoc/>
    public static void WriteByte(byte* address, byte value, Site site)
    {
        // The class map is read by the hit path alone, after the slot came to it: ordered by the slot's own way. Nothing to explore.
    }

    /// <summary>A read of any order, for scenarios that play the user.</summary>
    public static ulong Read(ulong* address, MemoryOrder order, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        return memory.IsDirect ? memory.CellAt(location).Low : memory.Engine!.Read(location, memory.Weakening.Apply(site, order), 0, site);
    }

    /// <summary>A write of any order, for scenarios that play the user.</summary>
    public static void Write(ulong* address, ulong value, MemoryOrder order, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        var cell = memory.CellAt(location);
        if (memory.IsDirect)
            cell.Low = value;
        else if (cell.IsWide)
            throw new ModelErrorException(ModelErrorKind.Assertion, $"half of the 16-byte word {cell.Name} is written alone");
        else if (!memory.Weakening.Is(site, WeakeningKind.Dropped))
            memory.Engine!.Write(location, value, 0, memory.Weakening.Apply(site, order), site);
    }

    private static (ulong Low, ulong High, bool Wrote) Modify(ulong* address, RmwKind kind, ulong low, ulong high, ulong desiredLow, ulong desiredHigh, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        if (memory.IsDirect)
            return ModifyDirectly(memory.CellAt(location), kind, low, high, desiredLow, desiredHigh);
        var order = memory.Weakening.Apply(site, MemoryOrder.AcqRel);
        if (memory.Weakening.Is(site, WeakeningKind.Split))
            return ModifySplit(memory, location, kind, low, high, desiredLow, desiredHigh, site);
        return memory.Engine!.ReadModifyWrite(location, kind, low, high, desiredLow, desiredHigh, order, site);
    }

    private static (ulong Low, ulong High, bool Wrote) ModifyDirectly(ModelMemory.Cell cell, RmwKind kind, ulong low, ulong high, ulong desiredLow, ulong desiredHigh)
    {
        var before = (cell.Low, cell.High);
        if (kind == RmwKind.CompareExchange && before != (low, high))
            return (before.Low, before.High, false);
        (cell.Low, cell.High) = After(kind, before, low, high, desiredLow, desiredHigh);
        return (before.Low, before.High, true);
    }

    /// <summary>The mutant: a load, and a store that does not look again.</summary>
    private static (ulong Low, ulong High, bool Wrote) ModifySplit(ModelMemory memory, int location, RmwKind kind, ulong low, ulong high, ulong desiredLow, ulong desiredHigh, Site site)
    {
        var isWide = memory.CellAt(location).IsWide;
        var before = (Low: memory.Engine!.Read(location, MemoryOrder.Acquire, 0, site), High: isWide ? memory.Engine.Read(location, MemoryOrder.Acquire, 1, site) : 0);
        if (kind == RmwKind.CompareExchange && before != (low, high))
            return (before.Low, before.High, false);
        var after = After(kind, before, low, high, desiredLow, desiredHigh);
        memory.Engine.Write(location, after.Low, after.High, MemoryOrder.Release, site);
        return (before.Low, before.High, true);
    }

    private static (ulong Low, ulong High) After(RmwKind kind, (ulong Low, ulong High) before, ulong low, ulong high, ulong desiredLow, ulong desiredHigh) => kind switch
    {
        RmwKind.CompareExchange => (desiredLow, desiredHigh),
        RmwKind.Exchange => (low, high),
        RmwKind.Add => (before.Low + low, before.High),
        RmwKind.And => (before.Low & low, before.High),
        _ => (before.Low | low, before.High),
    };
}
