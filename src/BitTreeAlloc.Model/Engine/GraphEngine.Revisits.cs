using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Model.Engine;

/// <summary>Backward revisits: a new store offers itself to reads that were added before it, dropping what was added since and does not lead to the store.</summary>
internal sealed unsafe partial class GraphEngine
{
    private void Revisit(ushort storeId)
    {
        if (Mutant == EngineMutant.NoRevisits)
            return;
        var store = _graph.At(storeId);
        var lists = _graph.Locations + store->Location;
        if (lists->ReadCount == 0)
            return;
        var counts = stackalloc int[Views.MaxThreads];
        var scratch = stackalloc int[Views.MaxThreads];
        for (var thread = 0; thread < _threads; thread++)
            counts[thread] = _graph.Header->Counts[thread];

        // What leads to the store, the store itself left out.
        var past = Views.With(store->Porf, storeId >> 8, storeId & 255);
        counts[storeId >> 8] = storeId & 255;

        // Reads stand in the order of their stamps, so what is dropped only grows from one to the next, and so does the reason not to.
        for (var index = lists->ReadCount - 1; index >= 0; index--)
        {
            var readId = lists->Reads[index];
            if (Views.Has(past, readId))
                continue;
            var read = _graph.At(readId);
            if (read->Order == MemoryOrder.Plain)
                continue;
            if (!DropsOnlyMaximal(counts, past, read->Stamp))
                return;
            if (Mutant is not (EngineMutant.NoMaximality or EngineMutant.NoMaximalityOfRead) && !IsMaximallyAdded(readId, past))
                return;
            Unsafe.CopyBlock(scratch, counts, Views.MaxThreads * sizeof(int));
            PushRevisits(scratch, storeId, readId);
        }
    }

    /// <summary>
    /// Lowers, per thread, what stays to the events added up to the read and the store's own past. False where one of the dropped had not been added the default way: another path leads to the same graph then.
    /// </summary>
    private bool DropsOnlyMaximal(int* counts, ulong past, int stamp)
    {
        for (var thread = 0; thread < _threads; thread++)
        {
            var least = Mutant == EngineMutant.DropsPrefix ? 0 : Views.Count(past, thread);
            for (; counts[thread] > least && _graph.At(thread, counts[thread] - 1)->Stamp > stamp; counts[thread]--)
            {
                if (Mutant != EngineMutant.NoMaximality && !IsMaximallyAdded((ushort)((thread << 8) | (counts[thread] - 1)), past))
                    return false;
            }
        }

        return true;
    }

    private bool IsMaximallyAdded(ushort id, ulong past)
    {
        var added = _graph.At(id);
        if (added->Kind is EventKind.Fence)
            return true;
        if (added->Kind is EventKind.Choice)
            return added->Low == 0;
        var lists = _graph.Locations + added->Location;
        var store = added->Kind == EventKind.Write ? id : added->Source;
        if (added->Kind == EventKind.Write && Mutant != EngineMutant.NoReaderTest && IsReadBefore(lists, id, added->Stamp, past))
            return false;
        if (store != Graph.Init && !IsPrevious(store, added->Stamp, past))
            return false;
        for (var place = _graph.PlaceOf(store) + 1; place < lists->StoreCount; place++)
        {
            if (IsPrevious(lists->Stores[place], added->Stamp, past))
                return false;
        }

        return true;
    }

    private bool IsReadBefore(LocationLists* lists, ushort store, int stamp, ulong past)
    {
        for (var index = 0; index < lists->ReadCount; index++)
        {
            var read = lists->Reads[index];
            if (_graph.At(read)->Source == store && IsPrevious(read, stamp, past))
                return true;
        }

        return false;
    }

    private bool IsPrevious(ushort id, int stamp, ulong past) => _graph.At(id)->Stamp <= stamp || Views.Has(past, id);

    private void PushRevisits(int* counts, ushort storeId, ushort readId)
    {
        var thread = storeId >> 8;
        var location = _graph.At(storeId)->Location;
        counts[thread] = storeId & 255;
        var restricted = Rent();
        restricted.CopyRestricted(_graph, _threads, _locations, counts);

        // The store is its thread's last event now; its past is whole, so its views stand.
        *restricted.At(storeId) = *_graph.At(storeId);
        restricted.Header->Counts[thread]++;
        restricted.Header->SeqCstEvents = CountSeqCstEvents(restricted);
        var store = restricted.At(storeId);
        var lists = restricted.Locations + location;
        var isRmw = store->Rmw != RmwKind.None;
        var first = isRmw ? restricted.PlaceOf((store - 1)->Source) + 1 : LowestPlace(restricted, location, HbBefore(restricted, storeId));
        var last = isRmw ? first : lists->StoreCount;
        if (Mutant == EngineMutant.RevisitAtEndOnly && !isRmw)
            first = last;
        var read = restricted.At(readId);
        var lowest = LowestSource(restricted, location, HbBefore(restricted, readId));
        for (var place = last; place >= first; place--)
        {
            if (place < lists->StoreCount && restricted.At(lists->Stores[place])->Rmw != RmwKind.None && Mutant != EngineMutant.SplitRmw)
                continue;

            // The read may not read the store where something it must not be older than stands at or above the store's place.
            if (lowest >= place)
                continue;
            var other = place == first ? restricted : CopyOf(restricted);
            PlaceAndRead(other, location, place, storeId, readId);
            if (place == first)
                return;
        }

        _free.Push(restricted);
    }

    private void PlaceAndRead(in Graph graph, int location, int place, ushort storeId, ushort readId)
    {
        graph.InsertStore(location, place, storeId);
        var read = graph.At(readId);
        if (Mutant != EngineMutant.StaleViewsAfterRevisit)
            ResetViews(graph, readId);
        read->Source = storeId;
        Attach(graph, read);
        var thread = readId >> 8;
        graph.Header->Done &= (byte)~(1 << thread);
        graph.Header->Pending = read->Rmw != RmwKind.None && read->Writes != 0 ? (byte)thread : (byte)255;

        // Order of a compare-exchange may have changed with its success.
        graph.Header->SeqCstEvents = CountSeqCstEvents(graph);
        PushIfConsistent(graph);
    }

    private Graph CopyOf(in Graph graph)
    {
        var copy = Rent();
        copy.CopyFrom(graph, _threads, _locations);
        return copy;
    }

    private static ulong HbBefore(in Graph graph, ushort id) => (id & 255) == 0 ? 0 : graph.At(id - 1)->Hb;

    private static void ResetViews(in Graph graph, ushort id)
    {
        var thread = id >> 8;
        var index = id & 255;
        var read = graph.At(id);
        var before = read - 1;
        read->Hb = Views.With(index == 0 ? 0 : before->Hb, thread, index + 1);
        read->Porf = Views.With(index == 0 ? 0 : before->Porf, thread, index + 1);
        read->AcquirePending = index == 0 ? 0 : before->AcquirePending;
        read->ReleaseFence = index == 0 ? 0 : before->ReleaseFence;
    }

    private int CountSeqCstEvents(in Graph graph)
    {
        if (!_needsOnlySeqCst || _graph.Header->SeqCstEvents == 0)
            return 0;
        var count = 0;
        for (var thread = 0; thread < _threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                count += graph.At(thread, index)->Order.SeqCstWeight();
            }
        }

        return count;
    }
}
