using System.Globalization;
using System.Text;
using BitTreeAlloc.Model.Scenarios;
using BitTreeAlloc.Tests.Explorer.Support;

namespace BitTreeAlloc.Tests.Explorer.Samples;

/// <summary>docs/verified-explorer.md says of each scenario what exploring it comes to; BITTREE_WRITE_VERIFIED=1 writes the table anew.</summary>
public class VerifiedTableTests
{
    private const string Page = "docs/verified-explorer.md";
    private const string First = "<!-- scenarios: begin -->\n";
    private const string Last = "<!-- scenarios: end -->";

    [Fact]
    public void The_table_is_what_exploring_comes_to()
    {
        var page = Repository.Read(Page);
        var start = page.IndexOf(First, StringComparison.Ordinal) + First.Length;
        var end = page.IndexOf(Last, StringComparison.Ordinal);
        var table = Table();
        if (Environment.GetEnvironmentVariable("BITTREE_WRITE_VERIFIED") == "1")
            Repository.Write(Page, page[..start] + table + page[end..]);
        else
            Assert.Equal(table, page[start..end]);
    }

    private static string Table()
    {
        var text = new StringBuilder();
        var scenarios = ScenarioList.Names.Select(ScenarioList.Make).ToList();
        var reports = scenarios.ToDictionary(scenario => scenario.Name, scenario => GraphExplorer.Explore(scenario).Result);
        var exhaustive = reports.Values.Count(result => result.IsExhaustive);
        text.Append(CultureInfo.InvariantCulture, $"{scenarios.Count} scenarios, {exhaustive} of them exhaustive, {Figure(reports.Values.Sum(result => result.Executions))} executions.\n");
        foreach (var claim in scenarios.GroupBy(scenario => (Family: scenario.Name.Split('/')[0], scenario.Claim)))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n**{claim.Key.Family}**: {claim.Key.Claim}.\n\n| scenario | threads | executions | |\n|---|---|---|---|\n");
            foreach (var scenario in claim)
            {
                var result = reports[scenario.Name];
                Assert.Null(result.Error);
                var reach = result.IsExhaustive ? "exhaustive" : $"bound {scenario.Bound}";
                text.Append(CultureInfo.InvariantCulture, $"| `{scenario.Name}` | {scenario.Threads} | {Figure(result.Executions)} | {reach} |\n");
            }
        }

        return text.ToString();
    }

    private static string Figure(long number) => number.ToString("N0", CultureInfo.InvariantCulture).Replace(',', ' ');
}
