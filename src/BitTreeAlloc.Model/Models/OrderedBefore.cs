using System.Runtime.CompilerServices;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>What distinguishes one multi-copy-atomic model from another: which pairs of events of one thread stay in order.</summary>
internal unsafe interface IPreservedOrder
{
    /// <summary>Whether the event keeps everything before it before everything after it.</summary>
    static abstract bool IsFull(Event* candidate);

    /// <summary>Whether <paramref name="earlier"/> stays before <paramref name="later"/>; both of one thread, neither full.</summary>
    static abstract bool StaysBefore(Event* earlier, Event* later);

    /// <summary>Whether an acquire read of a read-modify-write's store of its own thread counts as reading another thread's.</summary>
    static virtual bool OwnRmwCounts => true;
}

/// <summary>
/// The axiom of multi-copy-atomic models: ordered-before (preserved program order, external reads-from, coherence, from-read) has no cycle.
/// An acquire read of a read-modify-write's store of its own thread counts as external: the hardware has that edge.
/// </summary>
internal static unsafe class OrderedBefore<TOrder>
    where TOrder : struct, IPreservedOrder
{
    [SkipLocalsInit]
    public static bool IsConsistent(in Graph graph, int threads, int locations)
    {
        var relations = new Relations(graph, threads, locations);
        var rows = stackalloc ulong[relations.Count * relations.Words];
        Unsafe.InitBlock(rows, 0, (uint)(relations.Count * relations.Words * sizeof(ulong)));
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
                AddEvent(graph, relations, rows, thread, index);
        }

        relations.AddCoherence(rows);
        if (!relations.IsAcyclic(rows))
            return false;
        if (!ProcessWideFences.AreIn(graph, threads))
            return true;
        relations.Close(rows);
        return ProcessWideFences.FindPlaces(graph, relations, threads, rows, null);
    }

    private static void AddEvent(in Graph graph, in Relations relations, ulong* rows, int thread, int index)
    {
        var number = relations.Start(thread) + index;
        var later = graph.At(thread, index);
        for (var before = 0; before < index; before++)
        {
            var earlier = graph.At(thread, before);
            var isPair = before == index - 1 && earlier->Kind == EventKind.Read && earlier->Writes != 0;
            if (isPair || TOrder.IsFull(earlier) || TOrder.IsFull(later) || TOrder.StaysBefore(earlier, later) || HasHalfFence(graph, thread, before, index))
                relations.Set(rows, relations.Start(thread) + before, number);
        }

        if (later->Kind != EventKind.Read || later->Source == Graph.Init)
            return;
        var store = graph.At(later->Source);
        if (later->Source >> 8 != thread || (TOrder.OwnRmwCounts && store->Writes != 0 && later->Order.IsAcquire()))
            relations.Set(rows, relations.NumberOf(later->Source), number);
    }

    /// <summary>An acquire fence keeps earlier reads before all later; a release fence all earlier before later writes.</summary>
    private static bool HasHalfFence(in Graph graph, int thread, int before, int after)
    {
        var earlier = graph.At(thread, before);
        var later = graph.At(thread, after);
        for (var index = before + 1; index < after; index++)
        {
            var fence = graph.At(thread, index);
            if (fence->Kind != EventKind.Fence)
                continue;
            if ((fence->Order.IsAcquire() && earlier->Kind == EventKind.Read) || (fence->Order.IsRelease() && later->Kind == EventKind.Write))
                return true;
        }

        return false;
    }
}
