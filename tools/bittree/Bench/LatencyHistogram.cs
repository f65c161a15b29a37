using System.Numerics;
using BitTreeAlloc.Tool.Bench.Latency;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>
/// Counts durations in buckets that grow with the value: 128 to each doubling, so that a percentile is at most 1/128 above the exact one; below 256 every value has a bucket of its own, and the
/// maximum is exact. Recording allocates nothing. Not safe for two threads.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 7;
    private const int Doublings = 64 - SubBits;

    private readonly long[] _counts = new long[(Doublings + 1) << SubBits];

    /// <summary>Values recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The largest value recorded; 0 where there is none.</summary>
    public ulong Max { get; private set; }

    /// <summary>The mean of the values, exactly as recorded; 0 where there is none.</summary>
    public double Mean => Count == 0 ? 0 : Sum / Count;

    private double Sum { get; set; }

    /// <summary>Records one value, in any unit.</summary>
    public void Record(ulong value)
    {
        Sum += value;
        _counts[BucketOf(value)]++;
        Count++;
        if (value > Max)
            Max = value;
    }

    /// <summary>Adds what another one has recorded.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var bucket = 0; bucket < _counts.Length; bucket++)
            _counts[bucket] += other._counts[bucket];
        Count += other.Count;
        Sum += other.Sum;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>
    /// The value that a fraction of all recorded ones does not exceed: the upper end of the bucket that holds the ⌈fraction × count⌉-th smallest, the maximum at most. 0 where nothing was recorded.
    /// </summary>
    /// <param name="fraction">Above 0, 1 at most: 0.999 is p99.9.</param>
    public ulong Percentile(double fraction)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fraction);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fraction, 1);
        var rank = Math.Clamp((long)Math.Ceiling(fraction * Count), 1, Math.Max(1, Count));
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0)
                return Math.Min(UpperEnd(bucket), Max);
        }

        return Max;
    }

    /// <summary>
    /// For drawing: values, and the fraction of all recorded ones that is above each. Points that neither the value nor the fraction moves by a twentieth are left out; the last is the maximum, with 0.
    /// </summary>
    public IReadOnlyList<CcdfPoint> Ccdf()
    {
        const double step = 1.05;
        var points = new List<CcdfPoint>();
        var above = Count;
        for (var bucket = 0; bucket < _counts.Length && above > 0; bucket++)
        {
            if (_counts[bucket] == 0)
                continue;
            above -= _counts[bucket];
            var point = new CcdfPoint(Math.Min(UpperEnd(bucket), Max), (double)above / Count);
            if (above == 0 || points.Count == 0 || point.Ns > points[^1].Ns * step || point.Fraction * step < points[^1].Fraction)
                points.Add(point);
        }

        return points;
    }

    /// <summary>The bucket of a value.</summary>
    internal static int BucketOf(ulong value)
    {
        var shift = Math.Max(0, BitOperations.Log2(value | 1) - SubBits);
        return (shift << SubBits) + (int)(value >> shift);
    }

    /// <summary>The largest value of a bucket.</summary>
    internal static ulong UpperEnd(int bucket)
    {
        if (bucket < 2 << SubBits)
            return (ulong)bucket;
        var shift = (bucket >> SubBits) - 1;
        var mantissa = (ulong)(bucket - (shift << SubBits));
        return ((mantissa + 1) << shift) - 1;
    }
}
