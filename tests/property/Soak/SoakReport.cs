using System.Globalization;
using System.Text;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>What came out: the failure, if any, the figures, and the curve of the committed bytes.</summary>
internal sealed class SoakReport
{
    private const int Points = 16;

    public SoakReport(SoakRun run, TimeSpan elapsed)
    {
        var grown = run.Stages
            .SelectMany(stage => stage.Samples.GroupBy(sample => sample.Life).Select(life => (stage.Name, Text: SoakFlatness.Judge([.. life.Select(sample => (ulong)sample.Committed)]))))
            .FirstOrDefault(verdict => verdict.Text is not null);
        Failure = run.Failure ?? (grown.Text is null ? null : $"{grown.Name}: {grown.Text}");
        Cycles = run.Cycles;
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"BITTREE_SEED={run.Plan.Seed}: {FiguresOf(run, elapsed)}");
        text.AppendLine("At rest, in MiB, over the run: committed (touched)");
        foreach (var stage in run.Stages)
            text.AppendLine(CultureInfo.InvariantCulture, $"  {stage.Name,-32} {stage.Samples.Count,5} samples: {Curve(stage.Samples)}");
        Text = text.Append(Failure is null ? "no error" : $"FAILED: {Failure}").AppendLine().ToString();
    }

    public string? Failure { get; }

    public int Cycles { get; }

    public string Text { get; }

    public static string FiguresOf(SoakRun run, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"{elapsed.TotalSeconds:0} s, {run.Cycles} cycles, {run[SoakCount.Allocs] + run[SoakCount.Frees] + run[SoakCount.Reallocs]} operations ({run[SoakCount.Allocs]} allocs, {run[SoakCount.Frees]} frees, {run[SoakCount.Reallocs]} reallocs), " +
        $"{run[SoakCount.Exchanged]} blocks exchanged, {run[SoakCount.Born]} threads born, {run[SoakCount.Trims]} trims, {run.Stages.Sum(stage => stage.Faults)} failures injected, {run[SoakCount.Refused]} requests refused");

    private static string Curve(IReadOnlyList<SoakSample> samples) => string.Join(
        ' ',
        Enumerable.Range(0, Math.Min(Points, samples.Count))
            .Select(point => samples[(int)((long)point * samples.Count / Math.Min(Points, samples.Count))])
            .Select(sample => string.Create(CultureInfo.InvariantCulture, $"{sample.Committed / 1048576.0:0.0}({sample.Touched / 1048576.0:0.0})")));
}

/// <summary>Whether a curve is flat: the highest value of its last third stays at that of its first third, and a bound.</summary>
internal static class SoakFlatness
{
    private const int Fewest = 6;

    /// <summary>
    /// What stays after free-all and trim is the high-water mark of blocks and metadata, which the flood at the beginning has set. Above it: one commit, which goes a quarter of what is there ahead
    /// (<see cref="Core.HeapOs{TAtomics}"/>), so that one more block can show as fifteen; and blocks for classes that the flood did not meet, four of 4 MiB of medium ones among them.
    /// </summary>
    private static ulong Bound(ulong first) => (first / 4) + (16 << 20);

    /// <summary>Null where flat, or too short to say.</summary>
    public static string? Judge(IReadOnlyList<ulong> samples)
    {
        var third = samples.Count / 3;
        if (samples.Count < Fewest)
            return null;
        var (first, last) = (samples.Take(third).Max(), samples.Skip(samples.Count - third).Max());
        return last <= first + Bound(first) ? null : $"{last} bytes were committed in the last third of the run, {first} in the first";
    }
}
