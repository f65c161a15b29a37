using System.Globalization;
using System.Text;
using BitTreeAlloc.Model.Mutants;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

/// <summary>docs/verified-mutants.md: every mutant, what killed it, and why those that nothing kills cannot be killed.</summary>
internal static class MutantPage
{
    public const string Path = "docs/verified-mutants.md";

    public static string Of(IReadOnlyList<MutantReport> reports)
    {
        var killed = reports.Where(report => report.Equivalent == null).ToList();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Planted mistakes of the protocols

            Written and compared by `MutantTests`; again: `bittree explore --mutants`. A mutant is the shipped code but for one mistake, planted at the seam: a hand-written one (`part/name`), or one
            site weakened (`Site: how`). It is run over the scenarios that touch its sites, a few deviations of each first, until one shows it. The figure is the number of executions that it took over all of them. {killed.Count} of {killed.Count} mutants that can be told from the original are killed,
            {killed.Count(report => report.Mutant.Contains('/'))} of them hand-written, {killed.Count(report => report.KilledUnderSc)} also by plain interleavings with race detection; {reports.Count - killed.Count} are argued to be equivalent, and run all the same, the larger scenarios up to 4 deviations: one that died would fail the test.

            | mutant | killed by | as | executions | plain interleavings show it |
            |---|---|---|---|---|

            """);
        foreach (var report in killed)
            text.Append(CultureInfo.InvariantCulture, $"| `{report.Mutant}` | `{report.Scenario}` | {report.Evidence} | {report.Executions} | {(report.KilledUnderSc ? "yes" : "no")} |\n");
        text.Append("\n## Equivalent, and why\n\n| mutant | argument |\n|---|---|\n");
        foreach (var report in reports.Where(report => report.Equivalent != null))
            text.Append(CultureInfo.InvariantCulture, $"| `{report.Mutant}` | {report.Equivalent} |\n");
        return text.ToString().ReplaceLineEndings("\n");
    }
}
