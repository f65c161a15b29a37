using System.Globalization;
using System.Text;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>
/// A slow, independent judge of the engine: it makes every coherence order and every source of every read, and asks the axioms of each model whether that is an execution.
/// Written from the axioms; it knows nothing of graphs that grow, views or revisits.
/// </summary>
internal static class Enumerator
{
    /// <summary>The models in the order of the results.</summary>
    public static readonly MemoryModel[] Models = [MemoryModel.Sc, MemoryModel.Tso, MemoryModel.Net, MemoryModel.Rc11];

    /// <summary>Executions and outcomes of a program, by place of the model in <see cref="Models"/>.</summary>
    public static (long Executions, HashSet<string> Outcomes)[] Run(LitmusProgram program)
    {
        var results = new (long Executions, HashSet<string> Outcomes)[Models.Length];
        for (var model = 0; model < Models.Length; model++)
            results[model].Outcomes = new HashSet<string>(StringComparer.Ordinal);
        var compareExchanges = program.Threads.Sum(thread => thread.Count(operation => operation.Kind == LitmusKind.CompareExchange));
        for (var successes = 0; successes < 1 << compareExchanges; successes++)
            AddAll(program, new EnumeratedEvents(program, successes), results);
        return results;
    }

    private static void AddAll(LitmusProgram program, EnumeratedEvents events, (long Executions, HashSet<string> Outcomes)[] results)
    {
        var ways = new List<LocationHistory>[program.Locations.Count];
        for (var location = 0; location < ways.Length; location++)
        {
            ways[location] = LocationHistory.AllOf(events, location);
            if (ways[location].Count == 0)
                return;
        }

        var chosen = new LocationHistory[ways.Length];
        AddWays(program, events, ways, chosen, 0, results);
    }

    private static void AddWays(
        LitmusProgram program, EnumeratedEvents events, List<LocationHistory>[] ways, LocationHistory[] chosen, int next, (long Executions, HashSet<string> Outcomes)[] results)
    {
        if (next < ways.Length)
        {
            foreach (var way in ways[next])
            {
                chosen[next] = way;
                AddWays(program, events, ways, chosen, next + 1, results);
            }

            return;
        }

        var readsFrom = new EventRelation(events.All.Count);
        var coherence = new EventRelation(events.All.Count);
        var fromRead = new EventRelation(events.All.Count);
        foreach (var way in chosen)
            LocationHistory.Relate(way.Coherence, way.Sources, readsFrom, coherence, fromRead);

        // No model here has load buffering; the engine's restriction, documented there.
        if (!(events.ProgramOrder | readsFrom).IsAcyclic())
            return;
        string? outcome = null;
        for (var model = 0; model < Models.Length; model++)
        {
            if (!Axioms.Allows(Models[model], events, readsFrom, coherence, fromRead))
                continue;
            results[model].Executions++;
            results[model].Outcomes.Add(outcome ??= OutcomeOf(program, events, chosen));
        }
    }

    private static string OutcomeOf(LitmusProgram program, EnumeratedEvents events, LocationHistory[] chosen)
    {
        var text = new StringBuilder();
        for (var number = 0; number < events.All.Count; number++)
        {
            if (events.All[number].Kind != EventKind.Read)
                continue;
            if (text.Length > 0)
                text.Append(',');
            text.Append(((long)chosen[events.All[number].Location].Values[number]).ToString(CultureInfo.InvariantCulture));
        }

        var names = Enumerable.Range(0, chosen.Length).OrderBy(location => program.Locations[location], StringComparer.Ordinal);
        return text.Append('|').AppendJoin(',', names.Select(location => chosen[location].FinalText)).ToString();
    }
}
