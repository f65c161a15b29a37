using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>The four memory models as axioms over whole relations, as papers write them; the engine's own checks are incremental and share nothing with these.</summary>
internal sealed class Axioms(EnumeratedEvents events, EventRelation readsFrom, EventRelation coherence, EventRelation fromRead)
{
    private readonly int _count = events.All.Count;

    public static bool Allows(MemoryModel model, EnumeratedEvents events, EventRelation readsFrom, EventRelation coherence, EventRelation fromRead)
    {
        var axioms = new Axioms(events, readsFrom, coherence, fromRead);
        return model switch
        {
            MemoryModel.Sc => (events.ProgramOrder | readsFrom | coherence | fromRead).IsAcyclic(),
            MemoryModel.Tso => axioms.IsOrderedBefore(axioms.PreservedByTso()),
            MemoryModel.Net => axioms.IsOrderedBefore(axioms.PreservedByNet()),
            _ => axioms.IsRc11(),
        };
    }

    /// <summary>No cycle of preserved order, reads-from of other threads, coherence and from-read; an acquire read of its own thread's read-modify-write counts as another thread's.</summary>
    private bool IsOrderedBefore(EventRelation preserved)
    {
        var external = new EventRelation(_count);
        for (var write = 0; write < _count; write++)
        {
            for (var read = 0; read < _count; read++)
            {
                var counts = events.All[write].Thread != events.All[read].Thread || (events.All[write].IsRmw && events.All[read].IsSink);
                if (readsFrom[write, read] && counts)
                    external.Add(write, read);
            }
        }

        return (preserved | external | coherence | fromRead).IsAcyclic();
    }

    private EventRelation PreservedByTso()
    {
        var full = events.SetOf(e => e.IsRmw || (e.Order == MemoryOrder.SeqCst && e.Kind != EventKind.Read));
        var order = events.ProgramOrder;
        return Around(full) | order.Between(events.Reads, events.Reads | events.Writes) | order.Between(events.Writes, events.Writes);
    }

    private EventRelation PreservedByNet()
    {
        var order = events.ProgramOrder;
        var full = events.SetOf(e => e.Order == MemoryOrder.SeqCst && (e.IsRmw || e.Kind == EventKind.Fence));
        var acquireFences = EventRelation.Identity(_count, events.Fences & events.Sinks);
        var releaseFences = EventRelation.Identity(_count, events.Fences & events.Sources);
        return Around(full)
            | order.Between(events.Reads & events.Sinks, ulong.MaxValue)
            | order.Between(ulong.MaxValue, events.Writes & events.Sources)
            | (order * acquireFences * order).Between(events.Reads, ulong.MaxValue)
            | (order * releaseFences * order).Between(ulong.MaxValue, events.Writes)
            | Pairs();
    }

    /// <summary>Program order into and out of a set.</summary>
    private EventRelation Around(ulong set) => events.ProgramOrder.Between(set, ulong.MaxValue) | events.ProgramOrder.Between(ulong.MaxValue, set);

    /// <summary>The read of each read-modify-write to its write.</summary>
    private EventRelation Pairs()
    {
        var pairs = new EventRelation(_count);
        for (var read = 0; read + 1 < _count; read++)
        {
            if (events.All[read].IsRmw && events.All[read].Kind == EventKind.Read)
                pairs.Add(read, read + 1);
        }

        return pairs;
    }

    private bool IsRc11()
    {
        var order = events.ProgramOrder;
        if (!(order | readsFrom).IsAcyclic())
            return false;
        var hb = (order | Synchronizes()).Closure();
        var eco = (readsFrom | coherence | fromRead).Closure();
        if (!(hb * eco.OrEqual()).IsIrreflexive())
            return false;

        // scb in the form that GenMC implements: po; hb; po with po to any location. The paper's form allows two more executions of Z6.U.
        var before = order | (order * hb * order) | OnOneLocation(hb) | coherence | fromRead;
        var fences = EventRelation.Identity(_count, events.Fences & events.SeqCst);
        var all = EventRelation.Identity(_count, events.SeqCst);
        var psc = ((all | (fences * hb.OrEqual())) * before * (all | (hb.OrEqual() * fences))) | (fences * (hb | (hb * eco * hb)) * fences);
        return psc.IsAcyclic();
    }

    /// <summary>sw: a release store, or a store after a release fence; its release sequence (C++20: read-modify-writes only); a read that acquires, or is followed by an acquire fence.</summary>
    private EventRelation Synchronizes()
    {
        var order = events.ProgramOrder;
        var fromFences = EventRelation.Identity(_count, events.Fences & events.Sources) * order;
        var toFences = order * EventRelation.Identity(_count, events.Fences & events.Sinks);
        var sequence = EventRelation.Identity(_count, events.Writes) * (readsFrom * Pairs()).Closure().OrEqual();
        return (EventRelation.Identity(_count, events.Sources & events.Writes) | fromFences) * sequence * readsFrom
            * (EventRelation.Identity(_count, events.Sinks & events.Reads) | toFences);
    }

    private EventRelation OnOneLocation(EventRelation relation)
    {
        var result = new EventRelation(_count);
        for (var from = 0; from < _count; from++)
        {
            for (var to = 0; to < _count; to++)
            {
                if (relation[from, to] && events.All[from].Location >= 0 && events.All[from].Location == events.All[to].Location)
                    result.Add(from, to);
            }
        }

        return result;
    }
}
