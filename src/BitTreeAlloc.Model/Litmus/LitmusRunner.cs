using System.Globalization;
using System.Text;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>What a litmus test came to under one model.</summary>
/// <param name="Executions">Consistent executions.</param>
/// <param name="Outcomes">Different outcomes: values read in thread order, then final values by location name.</param>
/// <param name="Hash">FNV-1a over the ordinally sorted outcomes.</param>
/// <param name="Duplicates">Executions that were built more than once (looked for only when asked).</param>
public sealed record LitmusResult(long Executions, IReadOnlyCollection<string> Outcomes, uint Hash, long Duplicates);

/// <summary>Runs litmus tests on the graph engine.</summary>
public static unsafe class LitmusRunner
{
    /// <summary>Executions between two calls of a tick.</summary>
    private const long TickEvery = 1 << 16;

    /// <summary>Explores a test under a model.</summary>
    /// <param name="program">The test.</param>
    /// <param name="model">The memory model.</param>
    /// <param name="lookForDuplicates">Whether executions built more than once are counted; it keeps a hash of each.</param>
    /// <param name="mutant">A planted bug of the engine.</param>
    /// <param name="maxExecutions">Executions after which the search stops.</param>
    /// <param name="tick">Called now and then with the executions so far.</param>
    /// <exception cref="ModelErrorException">The test has more events or stores than the engine holds.</exception>
    public static LitmusResult Run(
        LitmusProgram program, MemoryModel model, bool lookForDuplicates = false, EngineMutant mutant = EngineMutant.None, long maxExecutions = long.MaxValue, Action<long>? tick = null)
    {
        var longest = 0;
        foreach (var thread in program.Threads)
            longest = Math.Max(longest, thread.Count);
        using var engine = new GraphEngine(program.Threads.Count, model, Math.Min((2 * longest) + 2, Views.MaxEvents), Math.Max(program.Locations.Count, 1)) { Mutant = mutant, MaxExecutions = maxExecutions };
        foreach (var _ in program.Locations)
            engine.AddLocation(0, 0);
        var outcomes = new HashSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<UInt128>();
        var duplicates = 0L;
        var sorted = Enumerable.Range(0, program.Locations.Count).OrderBy(number => program.Locations[number], StringComparer.Ordinal).ToArray();
        engine.AtEnd = () =>
        {
            outcomes.Add(OutcomeOf(engine, program, sorted));
            if (lookForDuplicates && !seen.Add(GraphHash.Of(engine.Current, program.Threads.Count, engine.Locations)))
                duplicates++;
            if (tick != null && engine.Result.Executions % TickEvery == 0)
                tick(engine.Result.Executions);
        };
        var bodies = new Action<int>[program.Threads.Count];
        for (var thread = 0; thread < bodies.Length; thread++)
        {
            var operations = program.Threads[thread].ToArray();
            bodies[thread] = _ => RunThread(engine, operations);
        }

        var result = engine.Explore(bodies);
        if (result.Error != null)
            throw new ModelErrorException(result.Error.Kind, $"{program.Name}: {result.Error.Text}");
        return new LitmusResult(result.Executions, outcomes, HashOf(outcomes), duplicates);
    }

    /// <summary>FNV-1a over the ordinally sorted outcomes, each ended by a semicolon.</summary>
    public static uint HashOf(IEnumerable<string> outcomes)
    {
        var hash = 2166136261u;
        foreach (var outcome in outcomes.Order(StringComparer.Ordinal))
        {
            foreach (var letter in outcome)
                hash = (hash ^ letter) * 16777619;
            hash = (hash ^ ';') * 16777619;
        }

        return hash;
    }

    private static void RunThread(GraphEngine engine, LitmusOperation[] operations)
    {
        foreach (var operation in operations)
        {
            switch (operation.Kind)
            {
                case LitmusKind.Write:
                    engine.Write(operation.Location, operation.Value, 0, operation.Order, Site.None);
                    break;
                case LitmusKind.Read:
                    engine.Read(operation.Location, operation.Order, 0, Site.None);
                    break;
                case LitmusKind.Add:
                    engine.ReadModifyWrite(operation.Location, RmwKind.Add, operation.Value, 0, 0, 0, operation.Order, Site.None);
                    break;
                case LitmusKind.Exchange:
                    engine.ReadModifyWrite(operation.Location, RmwKind.Exchange, operation.Value, 0, 0, 0, operation.Order, Site.None);
                    break;
                case LitmusKind.CompareExchange:
                    engine.ReadModifyWrite(operation.Location, RmwKind.CompareExchange, operation.Value, 0, operation.Desired, 0, operation.Order, Site.None);
                    break;
                default:
                    engine.Fence(operation.Order, Site.None);
                    break;
            }
        }
    }

    private static string OutcomeOf(GraphEngine engine, LitmusProgram program, int[] sorted)
    {
        var text = new StringBuilder();
        ref readonly var graph = ref engine.Current;
        for (var thread = 0; thread < program.Threads.Count; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                var added = graph.At(thread, index);
                if (added->Kind != EventKind.Read)
                    continue;
                if (text.Length > 0)
                    text.Append(',');
                text.Append(((long)engine.ValueOf(added->Source, added->Location, 0)).ToString(CultureInfo.InvariantCulture));
            }
        }

        text.Append('|').AppendJoin(',', sorted.Select(location => (long)engine.FinalOf(location).Low));
        return text.ToString();
    }
}
