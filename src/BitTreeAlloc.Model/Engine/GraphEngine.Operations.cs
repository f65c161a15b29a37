using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>The operations of the thread that is running: inside its recorded prefix they only return what is recorded, after it they extend the graph.</summary>
internal sealed unsafe partial class GraphEngine
{
    /// <summary>A read. <paramref name="half"/> 0 or 1 of a 16-byte location; the low half where both are wanted is returned by the caller's second look.</summary>
    public ulong Read(int location, MemoryOrder order, int half, Site site)
    {
        var recorded = Next(EventKind.Read, location, site);
        if (recorded == null)
        {
            recorded = AddRead(location, order, half, site);
            CompletePlainCheck(recorded);
        }

        return ValueOf(recorded->Source, location, half);
    }

    /// <summary>A write of the whole location.</summary>
    public void Write(int location, ulong low, ulong high, MemoryOrder order, Site site)
    {
        var recorded = Next(EventKind.Write, location, site);
        if (recorded != null)
        {
            if (recorded->Low != low || recorded->High != high)
                throw new ModelErrorException(ModelErrorKind.Nondeterminism, $"site {site} wrote {recorded->Low:x} before and {low:x} now, after the same reads");
            return;
        }

        AddWrite(location, low, high, order, site);
    }

    /// <summary>A read-modify-write; returns the value before, and whether it wrote.</summary>
    public (ulong Low, ulong High, bool Wrote) ReadModifyWrite(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
    {
        var read = Next(EventKind.Read, location, site);
        if (read == null)
        {
            read = AddRmw(location, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order, site);
        }
        else
        {
            if (read->Low != expectedLow || read->High != expectedHigh || read->Released != desiredLow || read->DesiredHigh != desiredHigh)
                throw new ModelErrorException(ModelErrorKind.Nondeterminism, $"site {site} has other operands than before, after the same reads");
            if (read->Writes != 0)
                _cursor++;
        }

        return (ValueOf(read->Source, location, 0), ValueOf(read->Source, location, 1), read->Writes != 0);
    }

    /// <summary>A fence.</summary>
    public void Fence(MemoryOrder order, Site site)
    {
        if (Next(EventKind.Fence, 0, site) != null)
            return;
        if (Mutant == EngineMutant.WeakSeqCstFence && order == MemoryOrder.SeqCst)
            order = MemoryOrder.AcqRel;
        var added = Append(EventKind.Fence, 0, order, site);
        if (order.IsAcquire() && Mutant != EngineMutant.NoAcquireFence)
            added->Hb = Views.Join(added->Hb, added->AcquirePending);
        if (order.IsRelease() && Mutant != EngineMutant.NoReleaseFence)
            added->ReleaseFence = added->Hb;
        CountSeqCst(order);
        _cursor++;
        _count++;
    }

    /// <summary>A value from 0 to <paramref name="branches"/> − 1: every one is explored.</summary>
    public int Choose(int branches, Site site)
    {
        var recorded = Next(EventKind.Choice, 0, site);
        if (recorded != null)
            return (int)recorded->Low;
        for (var value = branches - 1; value > 0; value--)
        {
            var other = Copy();
            AppendTo(other, EventKind.Choice, 0, MemoryOrder.Relaxed, site)->Low = (ulong)value;
            Push(other);
        }

        Append(EventKind.Choice, 0, MemoryOrder.Relaxed, site)->Low = 0;
        _cursor++;
        _count++;
        return 0;
    }

    /// <summary>Records a result of the running thread with the graph.</summary>
    public void Result1(ulong value)
    {
        var header = _graph.Header;
        var count = header->ResultCounts[_thread];
        if (count == Graph.MaxResults)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"more than {Graph.MaxResults} results of one thread");
        header->Results[(_thread * Graph.MaxResults) + count] = value;
        header->ResultCounts[_thread]++;
    }

    /// <summary>Results of a thread in the current graph.</summary>
    public ulong ResultOf(int thread, int number) => _graph.Header->Results[(thread * Graph.MaxResults) + number];

    /// <summary>Number of results of a thread.</summary>
    public int ResultCountOf(int thread) => _graph.Header->ResultCounts[thread];

    /// <summary>The value a source gives.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ValueOf(ushort source, int location, int half)
    {
        if (source == Graph.Init)
            return half == 1 ? _initHigh[location] : _initLow[location];
        var store = _graph.At(source);
        return half == 1 ? store->High : store->Low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Event* Next(EventKind kind, int location, Site site)
    {
        if (_cursor >= _count)
            return null;
        var recorded = _graph.At(_thread, _cursor);
        if (recorded->Kind != kind || recorded->Location != location || recorded->SiteNumber != (ushort)site)
            ThrowNondeterminism(recorded, kind, location, site);
        _cursor++;
        return recorded;
    }

    private static void ThrowNondeterminism(Event* recorded, EventKind kind, int location, Site site) =>
        throw new ModelErrorException(
            ModelErrorKind.Nondeterminism,
            $"uninstrumented shared state or nondeterminism: {recorded->Kind} of location {recorded->Location} at {recorded->Site} was recorded, {kind} of location {location} at {site} came now");
}
