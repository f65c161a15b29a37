using System.Globalization;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Bench.Catalog;

/// <summary>
/// The timed loops of 'bittree bench' under BenchmarkDotNet, by the tool's own bodies: what the catalog has is here. In this process, one benchmark after the other; ratios between contenders are
/// steadier in 'bittree bench', where contenders take turns. Loops of several threads include the start and the end of a round, which BenchmarkDotNet cannot take out.
/// </summary>
public class CatalogLoops
{
    private const int LeastOperations = 1024;
    private static string s_filter = "";
    private LoopBody[] _bodies = [];
    private ThreadTeam? _team;
    private int _parts;
    private long _operations;

    /// <summary>Loops and contenders that can do what the loop needs, as "loop contender".</summary>
    public static IEnumerable<string> Cases =>
        from loop in Matching(s_filter)
        from contender in BenchContenders.Make(new BenchRequest(), Profile.Balanced)
        where contender.Fits(loop)
        select $"{loop.Name} {contender.Name}";

    /// <summary>Which.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    /// <summary>Loops whose name has that part.</summary>
    internal static IReadOnlyList<TimedLoop> Matching(string part) => [.. BenchCatalog.Loops.OfType<TimedLoop>().Where(loop => loop.Name.Contains(part, StringComparison.OrdinalIgnoreCase))];

    /// <summary>Operations of a thread in one invocation.</summary>
    internal static long OperationsOf(TimedLoop loop) => loop.Parts * PerPart(loop);

    private static long PerPart(TimedLoop loop) => loop.Granule * Math.Max(1, loop.Group == "large" ? 1 : LeastOperations / loop.Granule);

    private static TimedLoop LoopOf(string name) => BenchCatalog.Loops.OfType<TimedLoop>().Single(loop => loop.Name == name.Split(' ')[0]);

    /// <summary>Runs the benchmarks; 0 where all of them ran.</summary>
    internal static int Run(IReadOnlyList<string> filters)
    {
        s_filter = filters.Count == 0 ? "" : filters[0];
        var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)).AddColumn(new PerOperation());
        var summary = BenchmarkRunner.Run<CatalogLoops>(config);
        return summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success) ? 1 : 0;
    }

    /// <summary>Fills what the loop holds, after a stretch with every check.</summary>
    [GlobalSetup]
    public void Begin()
    {
        var loop = LoopOf(Case);
        var name = Case.Split(' ')[1];
        var contender = BenchContenders.Make(name, new BenchRequest(), Profile.Balanced) ?? throw new InvalidOperationException($"{name} cannot be loaded");
        _bodies = contender.Open(loop);
        (_parts, _operations) = (loop.Parts, PerPart(loop));
        _team = new ThreadTeam(_bodies.Length);
        _team.Run(t => _bodies[t].Begin(-1, verify: true));
        Operations();
        _team.Run(t => _bodies[t].End());
        _team.Run(t => _bodies[t].Begin(0, verify: false));
    }

    /// <summary>Frees it.</summary>
    [GlobalCleanup]
    public void End()
    {
        _team!.Run(t => _bodies[t].End());
        _team.Dispose();
        foreach (var body in _bodies)
            body.CloseThread();
        _bodies[0].Close();
    }

    /// <summary>One invocation; the column "ns per op" divides by its operations.</summary>
    [Benchmark]
    public void Operations() => _team!.Run(t =>
    {
        for (var part = 0; part < _parts; part++)
        {
            _bodies[t].Select(part);
            _bodies[t].RunOrStop(_bodies, _operations);
        }
    });

    /// <summary>The mean of an invocation over its operations, which differ from loop to loop and so cannot stand in the attribute.</summary>
    private sealed class PerOperation : IColumn
    {
        public string Id => nameof(PerOperation);

        public string ColumnName => "ns per op";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public string Legend => "Mean / operations of a thread in one invocation";

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
        {
            var loop = LoopOf((string)benchmarkCase.Parameters[nameof(Case)]);
            return summary[benchmarkCase]?.ResultStatistics is { } statistics ? (statistics.Mean / OperationsOf(loop)).ToString("f2", CultureInfo.InvariantCulture) : "-";
        }

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
    }
}
