using System.Runtime.InteropServices;
using BitTreeAlloc.Tests.Unit.Support;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Curves;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class BenchLatencyTests
{
    private static readonly BenchRequest s_tiny = new() { Rounds = 2, Samples = 4000, MeasuresMemory = false, Contenders = ["bittree", "native", "mmap"] };

    [Fact]
    public void A_distribution_falls_from_point_to_point_and_is_that_of_the_samples() => Seeded.Run(rounds: 20, random =>
    {
        var values = new ulong[random.Next(1, 800)];
        var histogram = new LatencyHistogram();
        for (var i = 0; i < values.Length; i++)
            histogram.Record(values[i] = random.Next(2) == 0 ? (ulong)random.Next(200) : (ulong)random.NextInt64() >> random.Next(20, 64));
        var points = histogram.Ccdf();
        Assert.Equal((histogram.Max, 0), (points[^1].Ns, points[^1].Fraction));
        Assert.Equal(histogram.Mean, values.Average(value => (double)value), histogram.Mean * 1e-9 + 1e-9);
        for (var i = 1; i < points.Count; i++)
            Assert.True(points[i].Ns > points[i - 1].Ns && points[i].Fraction < points[i - 1].Fraction);
        foreach (var (ns, fraction) in points)
            Assert.Equal((double)values.Count(value => value > ns) / values.Length, fraction, 12);

        // What was left out lies between its neighbours, and those are close in one of the two.
        foreach (var value in values)
        {
            var above = (double)values.Count(other => other > value) / values.Length;
            var next = points.First(point => point.Ns >= value);
            Assert.True(above >= next.Fraction);
        }
    });

    [Fact]
    public void Nothing_recorded_has_no_points() => Assert.Empty(new LatencyHistogram().Ccdf());

    [Fact]
    public void A_short_run_has_percentiles_ratios_and_points_of_each_allocator_but_mappings()
    {
        using var series = BenchCatalog.Find("latency-churn")!.Start(s_tiny, Profile.Balanced);
        BenchRunner.Run(series, s_tiny.Rounds, _ => { });
        Assert.Empty(series.Failures);
        var rows = series.Rows().ToList();
        Assert.Equal(["bittree", "native"], rows.Select(row => row.Allocator));
        foreach (var row in rows)
        {
            Assert.Equal(4000, row.Operations);
            Assert.True(row.NsPerOp > 0 && row.Latency!.Value.Max >= row.Latency.Value.P9999 && row.Latency.Value.P9999 >= row.Latency.Value.P50, row.ToString());
            Assert.True(row.Tail is { Ccdf.Count: > 1, ClockNs: > 0, P999OverOurs: > 0, P9999OverOurs: > 0 });
        }

        Assert.Equal((1, 1, null), (rows[0].TimeOverOurs, rows[0].Tail!.P999OverOurs, rows[0].Conclusion));
        Assert.NotNull(rows[1].Conclusion);
        Assert.Contains(series.Conclusions(), line => line.Contains("the clock's own cost", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "overlaps")]
    [InlineData(false, "has changed")]
    public void Memory_given_twice_is_found_and_costs_only_its_own_row(bool addresses, string says)
    {
        var wrong = new BenchContender<Twice, nint>("wrong", isInstance: true, () => new Twice(new Counter { At = 100_010, Same = addresses }));
        var right = new BenchContender<Twice, nint>("bittree", isInstance: true, () => new Twice(new Counter { At = int.MaxValue }));
        using var series = new ChurnLatencySeries(s_tiny, Profile.Balanced, [right, wrong]);
        BenchRunner.Run(series, 2, _ => { });
        Assert.Contains(says, Assert.Single(series.Failures), StringComparison.Ordinal);
        var rows = series.Rows().ToList();
        Assert.True(rows[0].NsPerOp > 0);
        Assert.Equal((null, null, null), (rows[1].NsPerOp, rows[1].TimeOverOurs, rows[1].Latency));
    }

    [Fact]
    public void Points_of_curves_have_x_and_those_that_the_machine_cannot_have_are_named()
    {
        using var series = new CurveLoop.Series(new Planted(), s_tiny, Profile.Frugal, [1, 10, 100, 1000]);
        BenchRunner.Run(series, 3, _ => { });
        var rows = series.Rows().ToList();
        Assert.Equal([1, 10], rows.Select(row => row.Curve!.X));
        Assert.All(rows, row => Assert.Equal(("planted", "things", "bittree", "Frugal", 1), (row.Loop, row.Curve!.XUnit, row.Allocator, row.Profile, row.TimeOverOurs)));
        Assert.Equal([2, 11], rows.Select(row => row.NsPerOp!.Value));
        var said = string.Join('\n', series.Conclusions());
        Assert.Contains("100 things left out: no room.", said, StringComparison.Ordinal);
        Assert.Contains("1,000 things left out: far too much.", said, StringComparison.Ordinal);
    }

    [Fact]
    public void The_small_ends_of_the_curves_are_measured()
    {
        foreach (var (curve, x) in ((Curve, long)[])[(new BlocksCurve(), 4), (new LiveCurve(), 1 << 16), (new ThreadsCurve(), 3)])
        {
            Assert.Null(curve.WhyNot(curve.Points[0]));
            using var series = new CurveLoop.Series(curve, s_tiny, Profile.Balanced, [x]);
            series.Run(0, counted: true);
            Assert.All(series.Rows(), row => Assert.True(row is { NsPerOp: > 0, Operations: > 0, Curve.MetadataBytes: > 0 } && row.Curve.X == x, row.ToString()));
            Assert.Equal(curve is LiveCurve ? 1 : 2, series.Rows().Count());
        }

        Assert.Equal([1024, 1L << 34], new[] { new LiveCurve().Points[0], new LiveCurve().Points[^1] });
        Assert.Equal(64 * 16_384, new BlocksCurve().Points[^1]);
        Assert.Equal(2000, new ThreadsCurve().Points[^1]);
    }

    private sealed class Planted : Curve
    {
        public override string Name => "planted";

        public override string Unit => "things";

        public override string Summary => "";

        public override IReadOnlyList<long> Points => [1];

        public override string? WhyNot(long x) => x == 1000 ? "far too much" : null;

        public override IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options) => x == 100 ? throw new OutOfMemoryException("no room") : [new CurveSample(null, x + 1, 5, 7)];
    }

    private sealed class Counter
    {
        public int At { get; init; }

        public bool Same { get; init; }

        public int Requests { get; set; }

        public nint Last { get; set; }
    }

    /// <summary>The C library, until one request gets the buffer of the one before, or one whose last byte is wrong.</summary>
    private readonly unsafe struct Twice(Counter counter) : IBenchAdapter<Twice, nint>
    {
        public static bool Allocates => true;

        public static bool Moves => false;

        public nint Alloc(nuint size)
        {
            counter.Requests++;
            if (counter.Requests >= counter.At && counter.Same)
                return counter.Last;
            if (counter.Requests >= counter.At && counter.Last != 0)
                *(byte*)counter.Last ^= 0xFF;
            return counter.Last = (nint)NativeMemory.Alloc(size);
        }

        // Leaks: what was given twice must not be freed twice.
        public void Free(nint buffer, nuint size)
        {
            if (counter.At == int.MaxValue)
                NativeMemory.Free((void*)buffer);
        }

        public static ref byte Start(nint buffer) => ref *(byte*)buffer;

        public Twice ForThread() => this;

        public void CloseThread()
        {
        }

        public void Trim()
        {
        }

        public long? OsCalls() => null;

        public void Close()
        {
        }
    }
}
