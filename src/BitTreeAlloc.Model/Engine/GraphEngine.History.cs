namespace BitTreeAlloc.Model.Engine;

/// <summary>What histories and waits ask about the current graph.</summary>
internal sealed unsafe partial class GraphEngine : Scenarios.IHistoryEngine
{
    /// <summary>Events of the running thread so far.</summary>
    public int Position => _cursor;

    /// <summary>Whether the first <paramref name="events"/> events of <paramref name="thread"/> all happen before the event of <paramref name="later"/> with that index.</summary>
    public bool HappensBefore(int thread, int events, int later, int index)
    {
        if (thread == later)
            return events <= index;

        // Where nothing has happened yet, nothing is ordered. Before the later thread's first event nothing of another thread is known to it.
        return events > 0 && index > 0 && Views.Count(_graph.At(later, index - 1)->Hb, thread) >= events;
    }

    /// <summary>Whether the thread ran to its end in the current graph.</summary>
    public bool IsDone(int thread) => (_graph.Header->Done & (1 << thread)) != 0;

    /// <summary>Whether every read of the thread from event <paramref name="first"/> on reads the newest store, so that nothing will ever change it.</summary>
    public bool ReadsNewest(int thread, int first)
    {
        for (var index = first; index < _graph.Header->Counts[thread]; index++)
        {
            var read = _graph.At(thread, index);
            if (read->Kind == EventKind.Read && _graph.PlaceOf(read->Source) != (_graph.Locations + read->Location)->StoreCount - 1)
                return false;
        }

        return true;
    }
}
