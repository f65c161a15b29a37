using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>What distinguishes one execution of a thread from its others.</summary>
/// <param name="Events">How many events it has.</param>
/// <param name="Decisions">In order: of a read the place of its source in coherence order plus 1 (0 is the initial value), of a store its place, of a choice its value. Fences and the
/// store of a read-modify-write, which follows its source, have none.</param>
internal sealed record ThreadShape(int Events, int[] Decisions);

/// <summary>What distinguishes an execution: enough to build its graph again by running the same code.</summary>
/// <param name="Threads">One entry per thread.</param>
internal sealed record ExecutionShape(ThreadShape[] Threads)
{
    /// <summary>
    /// The shape of a graph. Half-made last events (an error came before the event was whole) are left out; <paramref name="without"/> names a thread whose last event is left out too:
    /// some errors show only when that event is added anew.
    /// </summary>
    public static unsafe ExecutionShape Of(in Graph graph, int threads, int without = -1)
    {
        var shapes = new ThreadShape[threads];
        for (var thread = 0; thread < threads; thread++)
        {
            var count = WholeEvents(graph, thread);
            if (thread == without && count > 0)
                count -= count > 1 && graph.At(thread, count - 1)->Kind == EventKind.Write && graph.At(thread, count - 1)->Rmw != RmwKind.None ? 2 : 1;
            var decisions = new List<int>(count);
            for (var index = 0; index < count; index++)
            {
                var added = graph.At(thread, index);
                if (added->Kind == EventKind.Read)
                    decisions.Add(graph.PlaceOf(added->Source) + 1);
                else if (added->Kind == EventKind.Choice)
                    decisions.Add((int)added->Low);
                else if (added->Kind == EventKind.Write && added->Rmw == RmwKind.None)
                    decisions.Add(added->Place);
            }

            shapes[thread] = new ThreadShape(count, [.. decisions]);
        }

        return new ExecutionShape(shapes);
    }

    /// <summary>Events of the thread that are in place.</summary>
    public static unsafe int WholeEvents(in Graph graph, int thread)
    {
        var count = (int)graph.Header->Counts[thread];
        if (count == 0)
            return 0;
        var last = graph.At(thread, count - 1);
        if (last->Kind == EventKind.Read && last->Writes != 0)
            return count - 1;
        if (last->Kind != EventKind.Write)
            return count;
        var lists = graph.Locations + last->Location;
        return last->Place < lists->StoreCount && lists->Stores[last->Place] == ((thread << 8) | (count - 1)) ? count : count - 1;
    }
}
