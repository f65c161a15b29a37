using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>A program over numbered locations whose threads, unlike a litmus test's, may compute with what they read.</summary>
/// <param name="Name">Family and size.</param>
/// <param name="Threads">Number of threads.</param>
/// <param name="Initial">Initial value of each location.</param>
/// <param name="Body">The body of a thread, by its number.</param>
internal sealed record FamilyProgram(string Name, int Threads, ulong[] Initial, Action<IModelEngine, int> Body)
{
    /// <summary>More than any thread of a family has, so that a loop without end is an error and no wait.</summary>
    private const int EventCapacity = 48;

    /// <summary>Explores all executions.</summary>
    /// <param name="model">The memory model.</param>
    /// <param name="lookForDuplicates">Whether executions built more than once are counted; it keeps a hash of each.</param>
    /// <param name="mutant">A planted bug of the engine.</param>
    /// <param name="maxExecutions">Executions after which the search stops.</param>
    public (ExplorationResult Result, long Duplicates) Run(
        MemoryModel model, bool lookForDuplicates = false, EngineMutant mutant = EngineMutant.None, long maxExecutions = long.MaxValue)
    {
        using var engine = new GraphEngine(Threads, model, EventCapacity, Initial.Length) { Mutant = mutant, MaxExecutions = maxExecutions };
        foreach (var value in Initial)
            engine.AddLocation(value, 0);
        var bodies = new Action<int>[Threads];
        Array.Fill(bodies, thread => Body(engine, thread));
        var seen = new HashSet<UInt128>();
        var duplicates = 0L;
        if (lookForDuplicates)
        {
            engine.AtEnd = () =>
            {
                if (!seen.Add(GraphHash.Of(engine.Current, Threads, Initial.Length)))
                    duplicates++;
            };
        }

        return (engine.Explore(bodies), duplicates);
    }
}
