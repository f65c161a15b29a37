using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Runs an FsCheck property inside a plain fact. A failure shows the shrunk case and the line that replays it.</summary>
internal static class PropertyCheck
{
    /// <summary>Fails the test with the shrunk case where <paramref name="body"/> throws for some value.</summary>
    public static void Holds<T>(Arbitrary<T> values, int runs, Action<T> body)
    {
        if (Search(values, runs, body) is { } failure)
            throw new PropertyFailure(failure);
    }

    /// <summary>The shrunk counterexample, or null where all runs passed.</summary>
    public static Counterexample<T>? Search<T>(Arbitrary<T> values, int runs, Action<T> body, string? seed = null)
    {
        var reporter = new Reporter<T>();
        var config = Config.Quick.WithMaxTest(Knobs.Runs(runs)).WithRunner(reporter).WithReplay(Start(seed ?? Knobs.Seed));
        FsCheck.Check.One(config, Prop.ForAll(values, body));
        return reporter.Found is { } found ? found with { ShrunkReason = Reason(found.Shrunk, body) } : null;
    }

    // A shrunk case may fail for another reason than the one it came from: both are shown.
    private static string Reason<T>(T value, Action<T> body)
    {
        try
        {
            body(value);
            return "it passes when it is run again: the failure depends on more than the case";
        }
        catch (Exception failure)
        {
            return failure.Message;
        }
    }

    private static FSharpOption<Replay>? Start(string? seed)
    {
        if (seed is not { } text)
            return null;
        var parts = text.Split(',').Select(part => ulong.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        var rnd = parts.Length == 1 ? new Rnd(parts[0]) : new Rnd(parts[0], parts[1]);
        return FSharpOption<Replay>.Some(new Replay(rnd, parts.Length == 3 ? FSharpOption<int>.Some((int)parts[2]) : null));
    }

    private sealed class Reporter<T> : IRunner
    {
        public Counterexample<T>? Found { get; private set; }

        public void OnStartFixture(Type t)
        {
        }

        public void OnArguments(int ntest, FSharpList<object> args, FSharpFunc<int, FSharpFunc<FSharpList<object>, string>> every)
        {
        }

        public void OnShrink(FSharpList<object> args, FSharpFunc<FSharpList<object>, string> everyShrink)
        {
        }

        public void OnFinished(string name, TestResult testResult)
        {
            if (testResult is TestResult.Failed failed)
            {
                var reason = (failed.Item4 as Outcome.Failed)?.Item;
                Found = new Counterexample<T>((T)failed.Item2.Head, (T)failed.Item3.Head, reason?.Message ?? "false", $"{failed.Item6.Seed},{failed.Item6.Gamma},{failed.Item7}", failed.Item1);
            }
        }
    }
}

/// <summary>A failing case as generated and as shrunk, the reason, and the value of BITTREE_SEED that brings it back.</summary>
internal sealed record Counterexample<T>(T Original, T Shrunk, string Reason, string Seed, TestData Data)
{
    public string ShrunkReason { get; init; } = Reason;

    public override string ToString() =>
        $"{ShrunkReason}{(ShrunkReason == Reason ? "" : $"\n\nbefore it was shrunk: {Reason}")}\n\nafter {Data.NumberOfTests} runs and {Data.NumberOfShrinks} shrinks. Replay with BITTREE_SEED={Seed} BITTREE_PROPERTY_RUNS=1\n\n{Shrunk}";
}

internal sealed class PropertyFailure(object failure) : Exception(failure.ToString());
