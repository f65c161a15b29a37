using System.Globalization;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>A logarithmic axis: a range of values above 0 on a range of pixels.</summary>
internal sealed class LogScale
{
    private readonly double _from;
    private readonly double _to;
    private readonly double _low;
    private readonly double _high;

    /// <summary>An axis that shows all of <paramref name="values"/>, with a little room on both sides.</summary>
    /// <param name="values">Values; those not above 0 have no place on it.</param>
    /// <param name="from">The pixel of the low end.</param>
    /// <param name="to">The pixel of the high end.</param>
    public LogScale(IEnumerable<double> values, double from, double to)
    {
        var logs = values.Where(value => value > 0 && double.IsFinite(value)).Select(Math.Log10).DefaultIfEmpty(0).ToList();
        var room = Math.Max(0.05, (logs.Max() - logs.Min()) * 0.04);
        (_low, _high, _from, _to) = (logs.Min() - room, logs.Max() + room, from, to);
    }

    /// <summary>The pixel of a value; one outside the range is at its end.</summary>
    public double Map(double value) => _from + ((Math.Clamp(value > 0 ? Math.Log10(value) : _low, _low, _high) - _low) / (_high - _low) * (_to - _from));

    /// <summary>Round values within the range, apart from each other by at least so many pixels.</summary>
    public List<double> Ticks(double apart)
    {
        var decades = Enumerable.Range((int)Math.Floor(_low), (int)Math.Ceiling(_high) - (int)Math.Floor(_low) + 1).ToList();
        foreach (var steps in (double[][])[[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 2, 3, 5], [1, 3], [1]])
        {
            var ticks = decades.SelectMany(decade => steps.Select(step => step * Math.Pow(10, decade))).Where(tick => Math.Log10(tick) >= _low && Math.Log10(tick) <= _high).ToList();
            if (IsApart(ticks, apart) && ticks.Count >= 2)
                return ticks;
        }

        for (var every = 1; ; every++)
        {
            var ticks = decades.Where(decade => decade % every == 0 && decade >= _low && decade <= _high).Select(decade => Math.Pow(10, decade)).ToList();
            if (IsApart(ticks, apart))
                return ticks;
        }
    }

    /// <summary>A value for people: 0.001, 1, 20k, 3M.</summary>
    public static string Label(double value) => value switch
    {
        >= 999.5e9 or < 0.0009995 => value.ToString("0.##e0", CultureInfo.InvariantCulture),
        >= 999.5e6 => Scaled(value / 1e9) + "G",
        >= 999.5e3 => Scaled(value / 1e6) + "M",
        >= 999.5 => Scaled(value / 1e3) + "k",
        _ => Short(value),
    };

    private static string Scaled(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Short(double value) => value.ToString(value < 1 ? "0.####" : "0.##", CultureInfo.InvariantCulture);

    private bool IsApart(List<double> ticks, double apart) => ticks.Zip(ticks.Skip(1), (one, next) => Math.Abs(Map(next) - Map(one))).All(distance => distance >= apart);
}
