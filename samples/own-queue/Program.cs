using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;
using OwnQueue;

var report = GraphExplorer.Explore(new RingScenario());
Console.WriteLine($"{report.Scenario}: {report.Result.Executions} executions, exhaustive: {report.Result.IsExhaustive}, error: {report.Result.Error?.Text ?? "none"}");

// Is each order needed? Weaken one place at a time: whoever is not caught was stronger than the claim asks for.
foreach (var site in new[] { Sites.Publish, Sites.SeePut, Sites.GiveBack, Sites.SeeTaken, Sites.OwnCount })
{
    var weak = new ExploreOptions { Weakening = new SiteWeakening(site, WeakeningKind.Relaxed) };
    var error = GraphExplorer.Explore(new RingScenario(), weak).Result.Error;
    Console.WriteLine($"relaxed {site}: {error?.Kind.ToString() ?? "still holds"}");
}
