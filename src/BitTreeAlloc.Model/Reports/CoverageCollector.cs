using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Models;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Runs a scenario once more and notes what its executions cover; up to a number of executions, all of them where there are fewer.</summary>
public static unsafe class CoverageCollector
{
    /// <summary>Collects.</summary>
    public static CoverageReport Of(Scenario scenario, ExploreOptions? options = null, long mostExecutions = 20_000)
    {
        options ??= new ExploreOptions();
        using var session = new GraphSession(scenario, options);
        var report = new CoverageReport { Scenario = scenario.Name, Bound = options.Bound ?? scenario.Bound };
        var sites = new SortedDictionary<Site, SiteCoverage>();
        var sources = new Dictionary<(ushort Id, Site Site), HashSet<ushort>>();
        var states = new HashSet<ulong>();
        var engine = session.Engine;
        engine.MaxExecutions = mostExecutions;
        engine.AtEnd = () =>
        {
            states.Add(StateOf(session));
            Look(session, report, sites, sources);
            session.CheckEnd();
        };
        var result = engine.Explore(session.Bodies);
        (report.Complete, report.Blocked, report.Discarded, report.IsExhaustive) = (result.Executions, result.Blocked, result.Discarded, result.IsExhaustive);
        report.FinalStates = states.Count;
        foreach (var ((_, site), seen) in sources)
            sites[site].MostSources = Math.Max(sites[site].MostSources, seen.Count);
        report.Sites = [.. sites.Values];
        report.Flags = FlagsOf(scenario, report);
        return report;
    }

    private static List<string> FlagsOf(Scenario scenario, CoverageReport report)
    {
        var flags = new List<string>();
        if (report.Complete < 2)
            flags.Add("there is one execution only: the threads do not meet");
        foreach (var site in report.Sites)
        {
            if (site.Site != Site.None && site is { Successes: > 0, Failures: 0 })
                flags.Add($"the compare-exchange at {site.Site} never fails");
            else if (site.Site != Site.None && site is { Successes: 0, Failures: > 0 })
                flags.Add($"the compare-exchange at {site.Site} never succeeds");
        }

        if (scenario is IWeakMemoryScenario { ExpectsWeakExecutions: true } && report.WeakOnly == 0)
            flags.Add("every execution is a plain interleaving, though the scenario is about memory order");
        return flags;
    }

    private static void Look(GraphSession session, CoverageReport report, SortedDictionary<Site, SiteCoverage> sites, Dictionary<(ushort Id, Site Site), HashSet<ushort>> sources)
    {
        ref readonly var graph = ref session.Engine.Current;
        var threads = session.Scenario.Threads;
        report.WeakOnly += ScModel.IsConsistent(graph, threads, session.Engine.Locations) ? 0 : 1;
        report.BeyondTso += TsoModel.IsConsistent(graph, threads, session.Engine.Locations) ? 0 : 1;
        for (var thread = 0; thread < threads; thread++)
        {
            int count = graph.Header->Counts[thread];
            report.MostOperations = Math.Max(report.MostOperations, count);
            for (var index = 0; index < count; index++)
            {
                var added = graph.At(thread, index);
                if (added->Kind != EventKind.Read)
                    continue;
                if (!sites.TryGetValue(added->Site, out var site))
                    sites[added->Site] = site = new SiteCoverage { Site = added->Site };
                var key = ((ushort)((thread << 8) | index), added->Site);
                if (!sources.TryGetValue(key, out var seen))
                    sources[key] = seen = [];
                seen.Add(added->Source);
                if (added->Rmw != RmwKind.CompareExchange)
                    continue;
                (site.Successes, site.Failures) = added->Writes != 0 ? (site.Successes + 1, site.Failures) : (site.Successes, site.Failures + 1);
                site.Aba += added->Writes != 0 && IsAba(session.Engine, graph, thread, index) ? 1 : 0;
            }
        }
    }

    /// <summary>The thread's own last look at the word gave the same value from another store.</summary>
    private static bool IsAba(GraphEngine engine, in Graph graph, int thread, int index)
    {
        var exchange = graph.At(thread, index);
        for (var before = index - 1; before >= 0; before--)
        {
            var look = graph.At(thread, before);
            if (look->Kind != EventKind.Read || look->Location != exchange->Location)
                continue;
            return look->Source != exchange->Source
                && engine.ValueOf(look->Source, look->Location, 0) == engine.ValueOf(exchange->Source, look->Location, 0)
                && engine.ValueOf(look->Source, look->Location, 1) == engine.ValueOf(exchange->Source, look->Location, 1);
        }

        return false;
    }

    private static ulong StateOf(GraphSession session)
    {
        var hash = 14695981039346656037ul;
        for (var location = 0; location < session.Engine.Locations; location++)
        {
            var (low, high) = session.Engine.FinalOf(location);
            hash = (((hash ^ low) * 1099511628211ul) ^ high) * 1099511628211ul;
        }

        for (var thread = 0; thread < session.Scenario.Threads; thread++)
        {
            for (var number = 0; number < session.Engine.ResultCountOf(thread); number++)
                hash = (hash ^ session.Engine.ResultOf(thread, number)) * 1099511628211ul;
            hash = (hash ^ 0xFFFF) * 1099511628211ul;
        }

        return hash;
    }
}
