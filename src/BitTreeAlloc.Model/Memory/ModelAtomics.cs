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
    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => Read(address, MemoryOrder.Acquire, half, site);

    /// <inheritdoc/>
    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) =>
        Modify((ulong*)address, RmwKind.CompareExchange, expected.Low, expected.High, desired.Low, desired.High, site).Wrote;

    /// <inheritdoc/>
    public static void FenceSeqCst(Site site) => Fence(MemoryOrder.SeqCst, site);

    /// <inheritdoc/>
    public static void FenceProcessWide(Site site) => Fence(MemoryOrder.ProcessWide, site);

    /// <inheritdoc/>
    public static ulong ReadPlain(ulong* address, Site site)
    {
        var value = ModelMemory.Current.IsPrivate((ulong)address) ? *address : Read(address, MemoryOrder.Plain, site);
        if (site == Site.ResidentRead)
            ModelMemory.Current.SeeResident(value);
        return value;
    }

    /// <inheritdoc/>
    public static void WritePlain(ulong* address, ulong value, Site site)
    {
        if (ModelMemory.Current.IsPrivate((ulong)address))
            *address = value;
        else
            Write(address, value, MemoryOrder.Plain, site);
        if (site == Site.ResidentWrite)
            ModelMemory.Current.NoteResident(address, value);
    }

    /// <inheritdoc/>
    public static void WriteByte(byte* address, byte value, Site site)
    {
        // The class map is read by the hit path alone, after the slot came to it: ordered by the slot's own way. Nothing to explore.
    }

    /// <summary>A read of any order, for scenarios that play the user.</summary>
    public static ulong Read(ulong* address, MemoryOrder order, Site site) => Read(address, order, 0, site);

    /// <summary>A write of any order, for scenarios that play the user.</summary>
    public static void Write(ulong* address, ulong value, MemoryOrder order, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        var cell = memory.CellAt(location);
        if (memory.IsDirect)
        {
            cell.Low = value;
            return;
        }

        if (cell.IsWide)
            throw new ModelErrorException(ModelErrorKind.Assertion, $"half of the 16-byte word {cell.Name} is written alone");
        memory.Enter(new SeamOperation { Kind = EventKind.Write, Order = order, Location = location, Low = value, Site = site });
    }

    /// <summary>A read-modify-write of any order, for scenarios that play the user or the system.</summary>
    internal static ulong Modify(ulong* address, RmwKind kind, ulong operand, MemoryOrder order, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        var operation = new SeamOperation { Kind = EventKind.Read, Rmw = kind, Order = order, Location = location, Low = operand, Site = site };
        return memory.IsDirect ? ModelMemory.ModifyDirectly(memory.CellAt(location), operation).Low : memory.Enter(operation).Low;
    }

    private static void Fence(MemoryOrder order, Site site)
    {
        var memory = ModelMemory.Current;
        if (memory.IsDirect)
            return;
        var operation = new SeamOperation { Kind = EventKind.Fence, Order = order, Site = site };
        memory.Enter(operation);
    }

    private static ulong Read(void* address, MemoryOrder order, int half, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        if (memory.IsDirect)
            return half == 0 ? memory.CellAt(location).Low : memory.CellAt(location).High;
        return memory.Enter(new SeamOperation { Kind = EventKind.Read, Order = order, Location = location, Half = half, Site = site }).Low;
    }

    private static SeamResult Modify(ulong* address, RmwKind kind, ulong low, ulong high, ulong desiredLow, ulong desiredHigh, Site site)
    {
        var memory = ModelMemory.Current;
        var location = memory.Locate(address);
        var operation = new SeamOperation
        {
            Kind = EventKind.Read,
            Rmw = kind,
            Order = MemoryOrder.AcqRel,
            Location = location,
            Low = low,
            High = high,
            DesiredLow = desiredLow,
            DesiredHigh = desiredHigh,
            Site = site,
        };
        return memory.IsDirect ? ModelMemory.ModifyDirectly(memory.CellAt(location), operation) : memory.Enter(operation);
    }
}
