using static BitTreeAlloc.Model.Scenarios.ExactRegionScenario;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Runs of the exact mode, in a chunk of one to four pages.</summary>
internal static class ExactRegionScenarios
{
    private const string OneOwner = "a page has one user, comes to the next one blank or as told, and at rest words, runs, bits, kept runs and the charge agree";
    private const string OneFree = "of two frees of a run one comes through";
    private const string Refused = "a run whose commit was refused is given back, one whose purge was refused is kept, and nothing is charged for what is not there";

    public static IEnumerable<Func<Scenario>> All()
    {
        yield return () => new ExactRegionScenario("take-vs-free", OneOwner, 1, [(0, 1, 1)], "a", "f");
        yield return () => new ExactRegionScenario("free-vs-free", OneFree, 2, [(0, 2, Left)], "F", "F");
        yield return () => new ExactRegionScenario("take-vs-free-vs-free", OneOwner, 2, [(0, 1, 1), (1, 1, 2)], "b", "f", "f");
        yield return () => new ExactRegionScenario("grow-vs-take", OneOwner, 3, [(0, 1, 0)], "t", "b");
        yield return () => new ExactRegionScenario("shrink-vs-take", OneOwner, 2, [(0, 2, 0)], "T", "a");
        yield return () => new ExactRegionScenario("kept-vs-take-vs-sweep", OneOwner, 1, [(0, 1, Kept)], "a", "k") { Granted = 0 };
        yield return () => new ExactRegionScenario("kept-vs-two-takes", OneOwner, 2, [(0, 1, Kept)], "a", "a") { Granted = 2 };
        yield return () => new ExactRegionScenario("take-free-vs-sweep-refused", Refused, 1, [], "af", "k") { Refuses = true };
        yield return () => new ExactRegionScenario("grow-shrink-free-refused", Refused, 2, [(0, 1, 0)], "tTf", "a") { Refuses = true };
    }
}
