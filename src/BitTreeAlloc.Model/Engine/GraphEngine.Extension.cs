using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>How an operation extends the graph: the newest choice goes on here, every other consistent one is pushed as a graph of its own.</summary>
internal sealed unsafe partial class GraphEngine
{
    private Event* AddRead(int location, MemoryOrder order, int half, Site site)
    {
        var lists = _graph.Locations + location;
        if (Mutant != EngineMutant.NoOlderSources && order != MemoryOrder.Plain)
        {
            var bound = LowestSource(_graph, location, StateOf(_graph, _thread));
            for (var place = lists->StoreCount - 2; place >= bound; place--)
            {
                var other = Copy();
                var read = AppendTo(other, EventKind.Read, location, order, site);
                read->Half = (byte)half;
                read->Source = place < 0 ? Graph.Init : lists->Stores[place];
                Attach(other, read);
                AddToReads(other, location, (ushort)((_thread << 8) | _count));
                CountSeqCst(other, order);
                PushIfConsistent(other);
            }
        }

        var added = Append(EventKind.Read, location, order, site);
        added->Half = (byte)half;
        added->Source = lists->StoreCount == 0 ? Graph.Init : lists->Stores[lists->StoreCount - 1];
        Attach(_graph, added);
        AddToReads(_graph, location, (ushort)((_thread << 8) | _count));
        CountSeqCst(order);
        _cursor++;
        _count++;
        return added;
    }

    private Event* AddRmw(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
    {
        var lists = _graph.Locations + location;
        if (Mutant != EngineMutant.NoOlderSources)
        {
            var bound = LowestSource(_graph, location, StateOf(_graph, _thread));
            for (var place = lists->StoreCount - 2; place >= bound; place--)
            {
                if (_graph.At(lists->Stores[place + 1])->Rmw != RmwKind.None && Mutant != EngineMutant.SplitRmw
                    && IsOffered(location, place, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order, site))
                    continue;
                var other = Copy();
                var read = AppendTo(other, EventKind.Read, location, order, site);
                SetOperands(read, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order);
                read->Source = place < 0 ? Graph.Init : lists->Stores[place];
                Attach(other, read);
                AddToReads(other, location, (ushort)((_thread << 8) | _count));
                CountSeqCst(other, read->Order);
                other.Header->Pending = read->Writes != 0 ? (byte)_thread : (byte)255;
                PushIfConsistent(other);
            }
        }

        var added = Append(EventKind.Read, location, order, site);
        SetOperands(added, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order);
        added->Source = lists->StoreCount == 0 ? Graph.Init : lists->Stores[lists->StoreCount - 1];
        Attach(_graph, added);
        AddToReads(_graph, location, (ushort)((_thread << 8) | _count));
        CountSeqCst(added->Order);
        CheckAtomicRace(_graph, added, location);
        _cursor++;
        _count++;
        if (added->Writes == 0)
            return added;
        AddRmwWrite(added);
        _cursor++;
        _count++;
        return added;
    }

    /// <summary>
    /// Whether the read-modify-write, reading a store that another one has read, would write. That is no execution, but its store is offered to earlier reads all the same: here, in the
    /// current graph, and then it is taken away again. A copy to be pushed and thrown away would do the same; it took a quarter of the time of ainc(7).
    /// </summary>
    private bool IsOffered(int location, int place, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
    {
        var header = _graph.Header;
        var (stamp, seqCst) = (header->NextStamp, header->SeqCstEvents);
        var lists = _graph.Locations + location;
        var read = Append(EventKind.Read, location, order, site);
        SetOperands(read, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order);
        read->Source = place < 0 ? Graph.Init : lists->Stores[place];
        Attach(_graph, read);
        var writes = read->Writes != 0;
        if (writes)
        {
            AddToReads(_graph, location, (ushort)((_thread << 8) | _count));
            CountSeqCst(read->Order);
            if (++header->Deviations > Bound)
            {
                Result.IsExhaustive = false;
            }
            else if (IsConsistent(_graph))
            {
                AddRmwWrite(read);
                _graph.RemoveStore(location, place + 1);
                Result.Discarded++;
            }

            header->Deviations--;
            lists->ReadCount--;
        }

        header->Counts[_thread] = (byte)_count;
        header->NextStamp = stamp;
        header->SeqCstEvents = seqCst;
        return writes;
    }

    /// <summary>The write half behind a read half that is the thread's last event. False where the graph is no execution; revisits have been made all the same.</summary>
    private bool AddRmwWrite(Event* read)
    {
        var location = read->Location;
        var place = _graph.PlaceOf(read->Source) + 1;
        var lists = _graph.Locations + location;
        var newest = place == lists->StoreCount;
        var conflict = !newest && _graph.At(lists->Stores[place])->Rmw != RmwKind.None && Mutant != EngineMutant.SplitRmw;
        var write = Append(EventKind.Write, location, read->Order, read->Site);
        var id = (ushort)((_thread << 8) | (_graph.Header->Counts[_thread] - 1));
        ApplyRmw(read, ValueOf(read->Source, location, 0), ValueOf(read->Source, location, 1), write);
        write->Rmw = read->Rmw;
        write->Writes = 1;
        SetReleased(write, read->Source == Graph.Init ? 0 : _graph.At(read->Source)->Released);
        CountSeqCst(read->Order);
        _graph.InsertStore(location, place, id);
        var consistent = newest || (!conflict && (Mutant == EngineMutant.NoPendingCheck || IsConsistent(_graph)));
        if (!conflict || Mutant != EngineMutant.NoRevisitsOfConflict)
            Revisit(id);
        return consistent;
    }

    /// <summary>Writes the half that a pushed or revisited read-modify-write still owes. False where the graph is no execution.</summary>
    private bool FinishPending()
    {
        var pending = _graph.Header->Pending;
        if (pending == 255)
            return true;
        _graph.Header->Pending = 255;
        _thread = pending;
        return AddRmwWrite(_graph.At(pending, _graph.Header->Counts[pending] - 1));
    }

    private void AddWrite(int location, ulong low, ulong high, MemoryOrder order, Site site)
    {
        var lists = _graph.Locations + location;
        if (order == MemoryOrder.Plain)
            CheckPlainWrite(location);
        else if (Mutant != EngineMutant.NoInnerPlaces)
            PushInnerPlaces(location, low, high, order, site);

        var added = Append(EventKind.Write, location, order, site);
        added->Low = low;
        added->High = high;
        SetReleased(added, 0);
        CountSeqCst(order);
        var id = (ushort)((_thread << 8) | _count);
        if (_plainSeen[location] && order != MemoryOrder.Plain)
            CheckAtomicRace(_graph, added, location);
        _graph.InsertStore(location, lists->StoreCount, id);
        _cursor++;
        _count++;
        if (order != MemoryOrder.Plain)
            Revisit(id);
    }

    private void PushInnerPlaces(int location, ulong low, ulong high, MemoryOrder order, Site site)
    {
        var lists = _graph.Locations + location;
        var bound = LowestPlace(_graph, location, StateOf(_graph, _thread));
        for (var place = lists->StoreCount - 1; place >= bound; place--)
        {
            if (_graph.At(lists->Stores[place])->Rmw != RmwKind.None && Mutant != EngineMutant.SplitRmw)
                continue;
            var other = Copy();
            var write = AppendTo(other, EventKind.Write, location, order, site);
            write->Low = low;
            write->High = high;
            SetReleased(write, 0);
            CountSeqCst(other, order);
            other.InsertStore(location, place, (ushort)((_thread << 8) | _count));
            PushIfConsistent(other);
        }
    }

    private void PushIfConsistent(Graph graph)
    {
        if (IsConsistent(graph))
        {
            Push(graph);
            return;
        }

        _free.Push(graph);
    }

    private bool IsConsistent(in Graph graph) =>
        Mutant == EngineMutant.NoAxiom || (_needsOnlySeqCst && graph.Header->SeqCstEvents < 2) || _isConsistent(graph, _threads, _locations);

    private Graph Copy()
    {
        var copy = Rent();
        copy.CopyFrom(_graph, _threads, _locations);
        return copy;
    }

    private Event* Append(EventKind kind, int location, MemoryOrder order, Site site) => AppendTo(_graph, kind, location, order, site);

    /// <summary>A new last event of the running thread; the views continue from the event before.</summary>
    private Event* AppendTo(in Graph graph, EventKind kind, int location, MemoryOrder order, Site site)
    {
        var index = (int)graph.Header->Counts[_thread];
        if (index >= _eventCapacity - 1)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"thread {_thread} has more than {_eventCapacity - 1} events: an unbounded loop, or raise the bound");
        var added = graph.At(_thread, index);
        *added = default;
        if (index > 0)
        {
            var before = added - 1;
            added->Hb = before->Hb;
            added->Porf = before->Porf;
            added->AcquirePending = before->AcquirePending;
            added->ReleaseFence = before->ReleaseFence;
        }

        added->Hb = Views.With(added->Hb, _thread, index + 1);
        added->Porf = Views.With(added->Porf, _thread, index + 1);
        added->Kind = kind;
        added->Location = (ushort)location;
        added->Order = order;
        added->AskedOrder = order;
        added->SiteNumber = (ushort)site;
        added->Stamp = graph.Header->NextStamp++;
        graph.Header->Counts[_thread] = (byte)(index + 1);
        return added;
    }

    private static void SetOperands(Event* read, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order)
    {
        read->Rmw = kind;
        read->Half = 2;
        read->Low = expectedLow;
        read->High = expectedHigh;
        read->Released = desiredLow;
        read->DesiredHigh = desiredHigh;
        read->AskedOrder = order;
    }

    private static void AddToReads(in Graph graph, int location, ushort id)
    {
        var lists = graph.Locations + location;
        if (lists->ReadCount == LocationLists.Capacity)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"more than {LocationLists.Capacity} reads of one location");
        lists->Reads[lists->ReadCount++] = id;
    }

    /// <summary>Gives a read its source: views, and for a read-modify-write whether it writes.</summary>
    private void Attach(in Graph graph, Event* read)
    {
        if (read->Rmw != RmwKind.None)
        {
            var writes = read->Rmw != RmwKind.CompareExchange || IsExpected(graph, read);
            read->Writes = writes ? (byte)1 : (byte)0;
            read->Order = writes ? read->AskedOrder : Mutant == EngineMutant.FailedCasIsRelaxed ? MemoryOrder.Relaxed : FailedOrder(read->AskedOrder);
        }

        if (read->Source == Graph.Init)
            return;
        var store = graph.At(read->Source);
        read->Porf = Views.Join(read->Porf, store->Porf);
        read->AcquirePending = Views.Join(read->AcquirePending, store->Released);
        if ((read->Order.IsAcquire() && Mutant != EngineMutant.NoAcquireRead) || (Mutant == EngineMutant.RelaxedReadAcquires && read->Order == MemoryOrder.Relaxed))
            read->Hb = Views.Join(read->Hb, store->Released);
    }

    private bool IsExpected(in Graph graph, Event* read)
    {
        if (Mutant == EngineMutant.FailedCasWrites)
            return true;
        if (read->Source == Graph.Init)
            return _initLow[read->Location] == read->Low && _initHigh[read->Location] == read->High;
        var store = graph.At(read->Source);
        return store->Low == read->Low && store->High == read->High;
    }

    private static MemoryOrder FailedOrder(MemoryOrder order) => order switch
    {
        MemoryOrder.AcqRel => MemoryOrder.Acquire,
        MemoryOrder.Release => MemoryOrder.Relaxed,
        _ => order,
    };

    private static void ApplyRmw(Event* read, ulong low, ulong high, Event* write)
    {
        (write->Low, write->High) = read->Rmw switch
        {
            RmwKind.CompareExchange => (read->Released, read->DesiredHigh),
            RmwKind.Exchange => (read->Low, read->High),
            RmwKind.Add => (low + read->Low, high),
            RmwKind.And => (low & read->Low, high),
            _ => (low | read->Low, high),
        };
    }

    private void SetReleased(Event* write, ulong fromSource)
    {
        var releases = (write->Order.IsRelease() && Mutant != EngineMutant.NoReleaseStore) || (Mutant == EngineMutant.RelaxedStoreReleases && write->Order == MemoryOrder.Relaxed);
        var own = releases ? write->Hb : write->ReleaseFence;
        write->Released = Mutant == EngineMutant.NoReleaseSequence ? own : Views.Join(own, fromSource);
    }

    private void CountSeqCst(MemoryOrder order) => CountSeqCst(_graph, order);

    private static void CountSeqCst(in Graph graph, MemoryOrder order) => graph.Header->SeqCstEvents += order.SeqCstWeight();

    /// <summary>Happens-before of the thread's next event.</summary>
    private static ulong StateOf(in Graph graph, int thread)
    {
        var count = (int)graph.Header->Counts[thread];
        return count == 0 ? 0 : graph.At(thread, count - 1)->Hb;
    }

    /// <summary>The oldest store, by place, that an event with that happens-before may read; −1 is the initial one.</summary>
    private int LowestSource(in Graph graph, int location, ulong hb)
    {
        var lists = graph.Locations + location;
        var bound = -1;
        if (Mutant != EngineMutant.NoWriteReadCoherence)
            bound = NewestStoreBefore(graph, lists, hb);
        if (Mutant != EngineMutant.NoReadReadCoherence)
            bound = Math.Max(bound, NewestSourceBefore(graph, lists, hb));
        return bound;
    }

    /// <summary>The first place that a store with that happens-before may take.</summary>
    private int LowestPlace(in Graph graph, int location, ulong hb)
    {
        var lists = graph.Locations + location;
        var bound = -1;
        if (Mutant != EngineMutant.NoWriteWriteCoherence)
            bound = NewestStoreBefore(graph, lists, hb);
        if (Mutant != EngineMutant.NoReadWriteCoherence)
            bound = Math.Max(bound, NewestSourceBefore(graph, lists, hb));
        return bound + 1;
    }

    private static int NewestStoreBefore(in Graph graph, LocationLists* lists, ulong hb)
    {
        for (var place = lists->StoreCount - 1; place >= 0; place--)
        {
            if (Views.Has(hb, lists->Stores[place]))
                return place;
        }

        return -1;
    }

    private static int NewestSourceBefore(in Graph graph, LocationLists* lists, ulong hb)
    {
        var newest = -1;
        for (var index = 0; index < lists->ReadCount; index++)
        {
            var id = lists->Reads[index];
            if (Views.Has(hb, id))
                newest = Math.Max(newest, graph.PlaceOf(graph.At(id)->Source));
        }

        return newest;
    }
}
