using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>What became of one mutant.</summary>
/// <param name="Mutant">Its name.</param>
/// <param name="Scenario">The scenario that killed it, or the last one that did not.</param>
/// <param name="Killed">Whether a scenario saw it.</param>
/// <param name="Executions">Executions until then, over all scenarios tried.</param>
/// <param name="Equivalent">Whether it is argued to behave like the original.</param>
public sealed record MutantRow(string Mutant, string Scenario, bool Killed, long Executions, bool Equivalent)
{
    /// <summary>The kind of error that showed it; null where none did.</summary>
    public ModelErrorKind? Evidence { get; init; }

    /// <summary>Whether plain interleavings show it too.</summary>
    public bool KilledUnderSc { get; init; }

    /// <summary>Why nothing can show it; null for one that has to die.</summary>
    public string? Argument { get; init; }
}

/// <summary>The planted mistakes of the protocols, run against the scenarios.</summary>
public interface IMutantSuite
{
    /// <summary>Runs the mutants whose scenarios are wanted, one row each, as they end.</summary>
    /// <param name="isWanted">Whether a scenario takes part, by name.</param>
    /// <param name="model">The memory model.</param>
    IEnumerable<MutantRow> Run(Func<string, bool> isWanted, MemoryModel model);
}

/// <summary>Finds the suite.</summary>
public static class MutantSuites
{
    /// <summary>The suite of this assembly, or null where there is none.</summary>
    public static IMutantSuite? Find()
    {
        var type = Array.Find(typeof(MutantSuites).Assembly.GetTypes(), candidate => candidate is { IsClass: true, IsAbstract: false } && typeof(IMutantSuite).IsAssignableFrom(candidate));
        return type == null ? null : (IMutantSuite?)Activator.CreateInstance(type, nonPublic: true);
    }
}
