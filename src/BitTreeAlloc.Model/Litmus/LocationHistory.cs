using System.Globalization;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>
/// One way in which a single location can go: a coherence order and a source for each of its reads, coherent in itself. No value of a litmus test flows from one location to another,
/// so the ways of a program are the products of the ways of its locations.
/// </summary>
/// <param name="Coherence">Its writes, oldest first.</param>
/// <param name="Sources">By event: the source of a read; −1 is the initial value.</param>
/// <param name="Values">By event: the value read or written.</param>
internal sealed record LocationHistory(int[] Coherence, Dictionary<int, int> Sources, Dictionary<int, ulong> Values)
{
    public string FinalText => ((long)(Coherence.Length == 0 ? 0 : Values[Coherence[^1]])).ToString(CultureInfo.InvariantCulture);

    /// <summary>Every way of a location: all orders of its writes times all sources of its reads, those taken away that are incoherent, tear a read-modify-write, or contradict an assumed success.</summary>
    public static List<LocationHistory> AllOf(EnumeratedEvents events, int location)
    {
        var writes = new List<int>();
        var reads = new List<int>();
        for (var number = 0; number < events.All.Count; number++)
        {
            if (events.All[number].Location == location)
                (events.All[number].Kind == EventKind.Write ? writes : reads).Add(number);
        }

        var found = new List<LocationHistory>();
        foreach (var order in Permutations(writes, events.ProgramOrder))
            AddSources(events, order, reads, 0, [], found);
        return found;
    }

    private static IEnumerable<int[]> Permutations(List<int> writes, EventRelation programOrder)
    {
        if (writes.Count == 0)
        {
            yield return [];
            yield break;
        }

        foreach (var first in writes)
        {
            if (writes.Exists(other => programOrder[other, first]))
                continue;
            foreach (var rest in Permutations(writes.FindAll(other => other != first), programOrder))
                yield return [first, .. rest];
        }
    }

    private static void AddSources(EnumeratedEvents events, int[] order, List<int> reads, int next, Dictionary<int, int> sources, List<LocationHistory> found)
    {
        if (next == reads.Count)
        {
            if (IsCoherent(events, order, sources) && ValuesOf(events, order, sources) is { } values)
                found.Add(new LocationHistory(order, new Dictionary<int, int>(sources), values));
            return;
        }

        var read = reads[next];
        for (var place = -1; place < order.Length; place++)
        {
            // Atomicity: a read-modify-write's own write comes right after what it read.
            if (events.All[read].IsRmw && (place + 1 == order.Length || order[place + 1] != read + 1))
                continue;
            sources[read] = place < 0 ? -1 : order[place];
            AddSources(events, order, reads, next + 1, sources, found);
        }
    }

    private static bool IsCoherent(EnumeratedEvents events, int[] order, Dictionary<int, int> sources)
    {
        var all = events.ProgramOrderOfLocation | new EventRelation(events.All.Count);
        Relate(order, sources, all, all, all);
        return all.IsAcyclic();
    }

    /// <summary>Adds the pairs of reads-from, coherence and from-read.</summary>
    public static void Relate(int[] order, Dictionary<int, int> sources, EventRelation readsFrom, EventRelation coherence, EventRelation fromRead)
    {
        for (var place = 0; place < order.Length; place++)
        {
            for (var later = place + 1; later < order.Length; later++)
                coherence.Add(order[place], order[later]);
        }

        foreach (var (read, source) in sources)
        {
            if (source >= 0)
                readsFrom.Add(source, read);
            for (var later = Array.IndexOf(order, source) + 1; later < order.Length; later++)
                fromRead.Add(read, order[later]);
        }
    }

    /// <summary>Values from the oldest write on; null where a compare-exchange does not go as assumed. A read-modify-write reads the write before its own, so one pass is enough.</summary>
    private static Dictionary<int, ulong>? ValuesOf(EnumeratedEvents events, int[] order, Dictionary<int, int> sources)
    {
        var values = new Dictionary<int, ulong> { [-1] = 0 };
        var before = 0ul;
        foreach (var write in order)
        {
            var operation = events.All[write].Operation;
            before = operation.Kind switch
            {
                LitmusKind.Add => before + operation.Value,
                LitmusKind.CompareExchange => operation.Desired,
                _ => operation.Value,
            };
            values[write] = before;
        }

        foreach (var (read, source) in sources)
        {
            values[read] = values[source];
            var made = events.All[read];
            if (made.Operation.Kind == LitmusKind.CompareExchange && values[read] == made.Operation.Value != made.IsRmw)
                return null;
        }

        return values;
    }
}
