using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>Plain accesses: each conflict with another thread has to be ordered by happens-before, or it is a race.</summary>
internal sealed unsafe partial class GraphEngine
{
    /// <summary>Name of a location in errors; set by the memory that sits on top.</summary>
    public Func<int, string>? NameOf { get; set; }

    private void CompletePlainCheck(Event* read)
    {
        if (read->Order == MemoryOrder.Plain)
        {
            _plainSeen[read->Location] = true;
            CheckStores(_graph, read, plainOnly: false);
        }
        else if (_plainSeen[read->Location])
        {
            CheckStores(_graph, read, plainOnly: true);
        }
    }

    private void CheckPlainWrite(int location)
    {
        _plainSeen[location] = true;
        var hb = StateOf(_graph, _thread);
        var lists = _graph.Locations + location;
        for (var index = 0; index < lists->StoreCount; index++)
        {
            if (!Views.Has(hb, lists->Stores[index]))
                ThrowRace(location, lists->Stores[index], "a plain write");
        }

        for (var index = 0; index < lists->ReadCount; index++)
        {
            if (!Views.Has(hb, lists->Reads[index]))
                ThrowRace(location, lists->Reads[index], "a plain write");
        }
    }

    private void CheckAtomicRace(in Graph graph, Event* added, int location)
    {
        if (!_plainSeen[location])
            return;
        CheckStores(graph, added, plainOnly: true);
        if (added->Kind != EventKind.Write)
            return;
        var lists = graph.Locations + location;
        for (var index = 0; index < lists->ReadCount; index++)
        {
            if (graph.At(lists->Reads[index])->Order == MemoryOrder.Plain && !Views.Has(added->Hb, lists->Reads[index]))
                ThrowRace(location, lists->Reads[index], "an atomic write");
        }
    }

    private void CheckStores(in Graph graph, Event* added, bool plainOnly)
    {
        var lists = graph.Locations + added->Location;
        for (var index = 0; index < lists->StoreCount; index++)
        {
            var store = lists->Stores[index];
            if ((!plainOnly || graph.At(store)->Order == MemoryOrder.Plain) && !Views.Has(added->Hb, store))
                ThrowRace(added->Location, store, $"{(added->Order == MemoryOrder.Plain ? "a plain" : "an atomic")} {(added->Kind == EventKind.Read ? "read" : "write")} at {added->Site}");
        }
    }

    private void ThrowRace(int location, ushort other, string what) =>
        throw new ModelErrorException(
            ModelErrorKind.DataRace,
            $"{what} of {NameOf?.Invoke(location) ?? $"location {location}"} by thread {_thread} is not ordered with the {_graph.At(other)->Kind} at {_graph.At(other)->Site} of thread {other >> 8}");
}
