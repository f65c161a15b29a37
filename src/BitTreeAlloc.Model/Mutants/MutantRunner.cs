using System.Diagnostics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>What became of one mutant.</summary>
/// <param name="Mutant">Its name: "site: kind", or the protocol mutant's.</param>
/// <param name="Scenario">The scenario that killed it, or null.</param>
/// <param name="Executions">Executions until it died, over all scenarios tried; of a survivor all that were tried.</param>
/// <param name="Evidence">The kind of error that showed it.</param>
/// <param name="KilledUnderSc">Whether plain interleavings with race detection show it.</param>
/// <param name="Equivalent">Why nothing can show it; null for one that has to die.</param>
public sealed record MutantReport(string Mutant, string? Scenario, long Executions, ModelErrorKind? Evidence, bool KilledUnderSc, string? Equivalent)
{
    /// <summary>Whether a scenario showed it.</summary>
    public bool IsKilled => Scenario != null;
}

/// <summary>Runs the scenarios, cheapest first, over each mutant until one of them shows it.</summary>
public sealed class MutantRunner
{
    private const long MaxExecutions = 100_000;
    private const int ShallowBound = 3;

    /// <summary>Scenarios of more executions are run up to this many deviations over a mutant that is argued to be equivalent.</summary>
    private const long LargeExecutions = 400;
    private const int LargeBound = 4;

    /// <summary>Scenarios of more executions are left out where plain interleavings are compared.</summary>
    private const long ComparedExecutions = 5000;
    private readonly List<(Func<Scenario> Make, string Name, HashSet<Site> Sites, long Executions)> _scenarios = [];
    private readonly Dictionary<Site, SiteUse> _uses = [];

    private readonly MemoryModel _model;

    /// <summary>Explores every scenario once as it is, for its cost and its sites.</summary>
    public MutantRunner()
        : this(static _ => true, MemoryModel.Rc11)
    {
    }

    /// <summary>The same over the scenarios that are wanted, by name, under another model.</summary>
    public MutantRunner(Func<string, bool> isWanted, MemoryModel model)
    {
        _model = model;
        foreach (var make in Scenarios.Scenarios.All)
        {
            var scenario = make();
            if (!isWanted(scenario.Name))
                continue;
            var report = GraphExplorer.Explore(scenario, new ExploreOptions { MaxExecutions = MaxExecutions, Model = model });
            if (report.Result.Error is { } error)
                throw new InvalidOperationException($"{report.Scenario} fails without a mutant: {error.Kind}: {error.Text}");
            _scenarios.Add((make, report.Scenario, [.. report.Sites], report.Result.Executions));
            foreach (var (site, use) in report.Uses)
                _uses[site] = _uses.GetValueOrDefault(site) | use;
        }

        _scenarios.Sort((first, second) => first.Executions.CompareTo(second.Executions));
    }

    /// <summary>Runs every mutant: the hand-written ones, then each site weakened in each way that means something there.</summary>
    /// <param name="compareSc">Also asks whether plain interleavings show the mutant.</param>
    /// <param name="isWanted">Which of them, by name and by a number that counts weakenings; null for all.</param>
    public IEnumerable<MutantReport> Run(bool compareSc = true, Func<string, int, bool>? isWanted = null)
    {
        var number = 0;
        foreach (var mutant in Protocol().Where(mutant => mutant.Sites.Any(_uses.ContainsKey) && isWanted?.Invoke(mutant.Name, 0) != false))
            yield return Kill(mutant.Name, [.. mutant.Sites], new ExploreOptions { Mutant = mutant, Model = _model }, mutant.Equivalent, compareSc);
        foreach (var (site, use) in _uses.OrderBy(pair => pair.Key))
        {
            foreach (var kind in KindsOf(use))
            {
                var weakening = new SiteWeakening(site, kind);
                if (isWanted?.Invoke($"{site}: {kind}", number++) == false)
                    continue;
                yield return Kill($"{site}: {kind}", [site], new ExploreOptions { Weakening = weakening, Model = _model }, EquivalentWeakenings.Why(site, kind), compareSc);
            }
        }
    }

    internal static IEnumerable<ProtocolMutant> Protocol() => [.. RecyclerMutants.All(), .. TreeMutants.All(), .. BlockMutants.All(), .. HeapMutants.All(), .. PageRunMutants.All(), .. RegionMutants.All(), .. RegionSlotMutants.All(), .. CacheMutants.All()];

    private static IEnumerable<WeakeningKind> KindsOf(SiteUse use)
    {
        if ((use & SiteUse.Modify) != 0)
            return [WeakeningKind.Relaxed, WeakeningKind.NoRelease, WeakeningKind.NoAcquire, WeakeningKind.Split, WeakeningKind.Dropped];
        if ((use & SiteUse.Write) != 0)
            return (use & SiteUse.Plain) != 0 ? [WeakeningKind.Dropped] : [WeakeningKind.Relaxed, WeakeningKind.Dropped];
        return (use & (SiteUse.Plain | SiteUse.Fence)) == SiteUse.Plain ? [] : [WeakeningKind.Relaxed];
    }

    private MutantReport Kill(string name, Site[] sites, ExploreOptions options, string? equivalent, bool compareSc)
    {
        var (scenario, executions, evidence) = FirstKill(sites, options, equivalent == null ? null : LargeBound);
        var sc = compareSc && scenario != null && FirstKill(sites, options with { Model = MemoryModel.Sc }, null, ofAll: false).Scenario != null;
        return new MutantReport(name, scenario, executions, evidence, sc, equivalent);
    }

    /// <summary>First a few deviations of every scenario, where most mistakes show, then all of it; of the largest ones up to a bound, where there is one.</summary>
    private (string? Scenario, long Executions, ModelErrorKind? Evidence) FirstKill(Site[] sites, ExploreOptions options, int? largeBound, bool ofAll = true)
    {
        var shallow = FirstKill(sites, options with { Bound = ShallowBound }, largeBound, ofAll, 0);
        return shallow.Scenario != null ? shallow : FirstKill(sites, options, largeBound, ofAll, shallow.Executions);
    }

    private (string? Scenario, long Executions, ModelErrorKind? Evidence) FirstKill(Site[] sites, ExploreOptions options, int? largeBound, bool ofAll, long executions)
    {
        foreach (var (make, name, touched, cost) in _scenarios)
        {
            if (!sites.Any(touched.Contains) || (!ofAll && cost > ComparedExecutions))
                continue;
            var bound = options.Bound ?? (cost > LargeExecutions ? largeBound : null);
            var report = GraphExplorer.Explore(make(), options with { Bound = bound, MaxExecutions = ofAll ? MaxExecutions : 2000 });
            executions += report.Result.Executions + report.Result.Blocked;
            if (report.Result.Error is { } error && (ofAll || error.Kind != ModelErrorKind.BoundExceeded))
                return (name, executions, error.Kind);
        }

        return (null, executions, null);
    }
}

/// <summary>How scenarios used a site.</summary>
[Flags]
internal enum SiteUse : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    Modify = 4,
    Fence = 8,
    Plain = 16,
}
