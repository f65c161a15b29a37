using BitTreeAlloc.Tests.Unit.Support;
using BitTreeAlloc.Tool.Bench;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class LatencyHistogramTests
{
    private static readonly double[] s_fractions = [0.000001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1];

    [Fact]
    public void Percentiles_agree_with_a_sorted_array_within_a_128th() => Seeded.Run(rounds: 40, random =>
    {
        var values = new ulong[random.Next(1, 20_000)];
        var histogram = new LatencyHistogram();
        for (var i = 0; i < values.Length; i++)
        {
            // Every magnitude, and many equal values.
            values[i] = random.Next(3) == 0 ? (ulong)random.Next(300) : (ulong)random.NextInt64() >> random.Next(64);
            histogram.Record(values[i]);
        }

        Array.Sort(values);
        Assert.Equal((values.Length, values[^1]), (histogram.Count, histogram.Max));
        foreach (var fraction in s_fractions)
        {
            var exact = values[Math.Max(0, (int)Math.Ceiling(fraction * values.Length) - 1)];
            Assert.InRange(histogram.Percentile(fraction), exact, exact + (exact / 128));
        }
    });

    [Fact]
    public void Buckets_follow_each_other_without_a_gap()
    {
        var last = LatencyHistogram.BucketOf(ulong.MaxValue);
        Assert.Equal(0, LatencyHistogram.BucketOf(0));
        Assert.Equal(ulong.MaxValue, LatencyHistogram.UpperEnd(last));
        for (var bucket = 0; bucket < last; bucket++)
        {
            var end = LatencyHistogram.UpperEnd(bucket);
            Assert.Equal((bucket, bucket + 1), (LatencyHistogram.BucketOf(end), LatencyHistogram.BucketOf(end + 1)));
        }
    }

    [Fact]
    public void A_sum_of_two_is_one_of_both() => Seeded.Run(rounds: 10, random =>
    {
        var (one, other, both) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        for (var i = 0; i < 2000; i++)
        {
            var value = (ulong)random.NextInt64() >> random.Next(64);
            (random.Next(2) == 0 ? one : other).Record(value);
            both.Record(value);
        }

        one.Add(other);
        Assert.Equal((both.Count, both.Max), (one.Count, one.Max));
        foreach (var fraction in s_fractions)
            Assert.Equal(both.Percentile(fraction), one.Percentile(fraction));
    });

    [Fact]
    public void Nothing_recorded_is_0_and_a_fraction_outside_0_to_1_is_refused()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((0ul, 0ul, 0), (histogram.Percentile(0.5), histogram.Max, histogram.Count));
        foreach (var wrong in (double[])[0, -0.1, 1.01])
            Assert.Throws<ArgumentOutOfRangeException>(() => histogram.Percentile(wrong));
    }
}
