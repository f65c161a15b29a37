using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Mutants;
using BitTreeAlloc.Tests.Explorer.Support;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

public sealed class MutantTests(ITestOutputHelper output)
{
    /// <summary>All of them take a quarter of an hour: by the knob, or where the page is written. By default the hand-written ones and one weakening in <see cref="Sample"/>.</summary>
    private const int Sample = 8;

    private static bool IsWriting => Environment.GetEnvironmentVariable("BITTREE_WRITE_VERIFIED") == "1";

    [Fact]
    public void Every_mutant_dies_unless_it_is_argued_to_be_equivalent()
    {
        var isAll = IsWriting || Environment.GetEnvironmentVariable("BITTREE_MUTANTS") == "all";
        var reports = new MutantRunner().Run(isWanted: isAll ? null : (name, number) => name.Contains('/') || number % Sample == 0).ToList();
        foreach (var report in reports)
            output.WriteLine($"{report.Mutant,-44} {(report.IsKilled ? $"{report.Evidence} in {report.Scenario} after {report.Executions}{(report.KilledUnderSc ? ", SC too" : "")}" : report.Equivalent ?? "SURVIVES")}");
        var due = reports.Where(report => report.Equivalent == null).ToList();
        var killed = due.Count(report => report.IsKilled);
        var underSc = due.Count(report => report.KilledUnderSc);
        output.WriteLine($"{reports.Count} mutants; {killed} of {due.Count} non-equivalent killed, {underSc} under SC with race detection; {reports.Count - due.Count} argued");
        Assert.Empty(due.Where(report => !report.IsKilled).Select(report => report.Mutant));
        Assert.Empty(reports.Where(report => report.Equivalent != null && report.IsKilled).Select(report => report.Mutant));
        Assert.True(underSc < killed, "weak memory shows nothing that interleavings do not");

        if (!isAll)
        {
            output.WriteLine("a sample: BITTREE_MUTANTS=all runs each and compares the page");
            return;
        }

        // What no scenario can show is named, not counted in.
        Assert.Equal(["StackLoadGeneration: Relaxed", "StretchLoad: Relaxed"],
            reports.Where(report => report.Equivalent?.StartsWith("not covered", StringComparison.Ordinal) == true).Select(report => report.Mutant).Order());

        // The page names each; BITTREE_WRITE_VERIFIED=1 writes it anew.
        if (IsWriting)
            Repository.Write(MutantPage.Path, MutantPage.Of(reports));
        else
            Assert.Equal(MutantPage.Of(reports), Repository.Read(MutantPage.Path));
    }

    [Fact]
    public void A_store_as_signal_is_a_mistake_that_only_weak_memory_shows()
    {
        var mutant = MutantRunner.Protocol().Single(candidate => candidate.Name == "trim/signal-by-store");
        var options = new Model.Scenarios.ExploreOptions { Mutant = mutant };
        var scenario = Model.Scenarios.Scenarios.Find("trim/two-trims-vs-free")!;
        Assert.Equal(ModelErrorKind.Assertion, Model.Scenarios.GraphExplorer.Explore(scenario, options).Result.Error?.Kind);
        Assert.Null(Model.Scenarios.GraphExplorer.Explore(scenario, options with { Model = MemoryModel.Sc, Bound = 3 }).Result.Error);
    }
}
