using System.Globalization;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>A curve as a loop: an arm per point, rows with x.</summary>
internal sealed class CurveLoop(Curve curve) : IBenchLoop
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<CurveLoop> All { get; } = [new(new BlocksCurve()), new(new LiveCurve()), new(new ThreadsCurve())];

    /// <inheritdoc/>
    public string Name => curve.Name;

    /// <inheritdoc/>
    public string Group => "curves";

    /// <summary>They take minutes.</summary>
    public bool IsInAll => false;

    /// <inheritdoc/>
    public string Summary => curve.Summary;

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile) => new Series(curve, request, profile, curve.Points);

    /// <summary>The points while they are measured; each has an allocator of its own, which ends with the measurement.</summary>
    internal sealed class Series(Curve curve, BenchRequest request, Profile profile, IReadOnlyList<long> points) : IBenchSeries
    {
        private const int WarmedUp = 3;

        private readonly List<CurveSample>[] _samples = [.. points.Select(_ => new List<CurveSample>())];
        private readonly string?[] _skipped = new string?[points.Count];

        public IReadOnlyList<string> Arms { get; } = [.. points.Select(x => $"{curve.Label(x)} {curve.Unit}")];

        public void Run(int arm, bool counted)
        {
            // The first ones compile what all run.
            if (_skipped[arm] is not null || (!counted && arm >= WarmedUp) || (_skipped[arm] = curve.WhyNot(points[arm])) is not null)
                return;
            try
            {
                var options = new BitTreeAllocatorOptions { Profile = profile, CasWidth = request.Cas, Level = Level.Fast, UseContainerLimit = false };
                var samples = curve.Measure(points[arm], options).ToList();
                if (counted)
                    _samples[arm].AddRange(samples);
            }
            catch (OutOfMemoryException e)
            {
                _skipped[arm] = e.Message.Split('\n')[0];
            }
        }

        public IEnumerable<BenchRow> Rows()
        {
            for (var arm = 0; arm < points.Count; arm++)
            {
                foreach (var line in _samples[arm].GroupBy(sample => sample.Arm))
                {
                    var times = line.Select(sample => sample.NsPerOp).ToArray();
                    yield return new BenchRow
                    {
                        Loop = curve.Name,
                        Arm = line.Key,
                        Allocator = ContenderCatalog.BitTree,
                        Profile = profile.ToString(),
                        Threads = curve.Threads(points[arm]),
                        Operations = line.Sum(sample => sample.Operations),
                        NsPerOp = RoundTimer.Median(times),
                        TimeOverOurs = 1,
                        Spread = times.Max() / times.Min(),
                        Touched = false,
                        Curve = new CurveFigures(points[arm], curve.Unit, RoundTimer.Median([.. line.Select(sample => sample.MetadataBytes)]), Median(line, sample => sample.ResidentBytesPerThread)),
                        FaultsPerOp = Median(line, sample => (double?)sample.Faults / sample.Operations),
                        OsCallsPerOp = Median(line, sample => (double?)sample.OsCalls / sample.Operations),
                    };
                }
            }
        }

        public IEnumerable<string> Conclusions()
        {
            foreach (var line in Rows().GroupBy(row => row.Arm))
            {
                var rows = line.ToList();
                var worst = rows.MaxBy(row => row.NsPerOp)!;
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(line.Key is null ? "" : $"{line.Key}: ")}from {rows[0].NsPerOp:0.0} ns at {curve.Label((long)rows[0].Curve!.X)} to {rows[^1].NsPerOp:0.0} at {curve.Label((long)rows[^1].Curve!.X)} {curve.Unit}; highest {worst.NsPerOp:0.0} at {curve.Label((long)worst.Curve!.X)}.");
            }

            for (var arm = 0; arm < points.Count; arm++)
            {
                if (_skipped[arm] is { } why)
                    yield return $"{Arms[arm]} left out: {why}.";
            }
        }

        public void Dispose()
        {
        }

        private static double? Median(IEnumerable<CurveSample> samples, Func<CurveSample, double?> figure)
        {
            var values = samples.Select(figure).OfType<double>().ToArray();
            return values.Length == 0 ? null : RoundTimer.Median(values);
        }
    }
}
