using System.Globalization;

namespace BitTreeAlloc.Tests.Explorer;

/// <summary>Environment variables that make runs longer, or repeat one.</summary>
internal static class Knobs
{
    /// <summary>BITTREE_NIGHTLY=1: everything, however long.</summary>
    public static bool Nightly => Environment.GetEnvironmentVariable("BITTREE_NIGHTLY") == "1";

    /// <summary>BITTREE_FUZZ: random programs per run; 20 000, or 200 000 nightly.</summary>
    public static int FuzzPrograms => (int)Number("BITTREE_FUZZ", Nightly ? 200_000ul : 20_000ul);

    /// <summary>BITTREE_FUZZ_SEED: the first seed; fixed, so that a run that fails fails again.</summary>
    public static ulong FuzzSeed => Number("BITTREE_FUZZ_SEED", 1);

    /// <summary>BITTREE_HARDWARE: times that each litmus test runs on this machine; 100 000, or a million nightly.</summary>
    public static int HardwareIterations => (int)Number("BITTREE_HARDWARE", Nightly ? 1_000_000ul : 100_000ul);

    private static ulong Number(string name, ulong otherwise) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
