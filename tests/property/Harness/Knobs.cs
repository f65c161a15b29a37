using System.Globalization;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The environment variables that turn these tests up, down, or back to one failing case.</summary>
internal static class Knobs
{
    /// <summary>BITTREE_PROPERTY_RUNS: programs per property; the default is about ten seconds' worth.</summary>
    public static int Runs(int byDefault) => Number("BITTREE_PROPERTY_RUNS", byDefault);

    /// <summary>BITTREE_STRESS_SECONDS: seconds per multi-thread stress.</summary>
    public static int StressSeconds => Number("BITTREE_STRESS_SECONDS", 5);

    /// <summary>BITTREE_SOAK_SECONDS: how long the soak runs; 7200 is the run of two hours.</summary>
    public static int SoakSeconds => Number("BITTREE_SOAK_SECONDS", 60);

    /// <summary>BITTREE_SEED: either one number (the seed of everything random) or "seed,gamma,size" as a failing property printed it.</summary>
    public static string? Seed => Environment.GetEnvironmentVariable("BITTREE_SEED");

    /// <summary>BITTREE_PROPERTY_TRACE: a file that receives each program before it runs, for failures that take the process down.</summary>
    public static string? Trace => Environment.GetEnvironmentVariable("BITTREE_PROPERTY_TRACE");

    /// <summary>The seed of a random test that is not a property: the first number of BITTREE_SEED, or a fresh one. The test prints it.</summary>
    public static int StressSeed()
    {
        var text = Seed?.Split(',')[0];
        return text is null ? Random.Shared.Next() : unchecked((int)ulong.Parse(text, CultureInfo.InvariantCulture));
    }

    private static int Number(string name, int byDefault) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : byDefault;
}
