using System.Globalization;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>
/// How large a search will be, from random descents (Knuth, "Estimating the Efficiency of Backtrack Programs", 1975): the product of the branch counts on the way down, summed over the levels, has
/// the size of the tree as its mean. The spread is wide; the order of magnitude is what it is for.
/// </summary>
public static class SizeEstimate
{
    /// <summary>Estimated number of graphs that the search runs.</summary>
    /// <param name="scenario">The scenario; its bound is respected.</param>
    /// <param name="options">Model and bound.</param>
    /// <param name="descents">Random descents.</param>
    /// <param name="seed">Seed of the choices.</param>
    public static double Of(Scenario scenario, ExploreOptions? options = null, int descents = 200, ulong seed = 1)
    {
        using var session = new GraphSession(scenario, options ?? new ExploreOptions());
        var engine = session.Engine;
        var random = new SplitMix(seed);
        var sum = 0.0;
        for (var descent = 0; descent < descents; descent++)
        {
            var weight = 1.0;
            engine.BeginSearch();
            while (engine.WorkCount > 0)
            {
                sum += weight;
                engine.Step(engine.WorkCount - 1, session.Bodies);
                engine.Result.Error = null;
                if (engine.WorkCount == 0)
                    break;
                weight *= engine.WorkCount;
                KeepOne(engine, random.Below(engine.WorkCount));
            }
        }

        return sum / descents;
    }

    /// <summary>The estimate as a phrase, "about 5e5 executions".</summary>
    public static string TextOf(double estimate)
    {
        if (estimate < 100)
            return string.Create(CultureInfo.InvariantCulture, $"about {Math.Round(estimate)} executions");
        var power = Math.Floor(Math.Log10(estimate));
        var digit = Math.Round(estimate / Math.Pow(10, power));
        if (digit > 9)
            (digit, power) = (1, power + 1);
        return string.Create(CultureInfo.InvariantCulture, $"about {digit}e{power} executions");
    }

    private static void KeepOne(GraphEngine engine, int kept)
    {
        var waiting = engine.TakeWork();
        for (var index = 0; index < waiting.Length; index++)
        {
            if (index != kept)
                engine.GiveWork(waiting[index]);
        }

        engine.ClearWork();
        engine.GiveWork(waiting[kept]);
    }
}
