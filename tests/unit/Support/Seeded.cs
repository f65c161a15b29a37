using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>Random tests: a failure names its seed, and the environment variable BITTREE_SEED replays that one.</summary>
internal static class Seeded
{
    /// <summary>Runs the test with the seed of BITTREE_SEED, or else with <paramref name="rounds"/> fresh ones.</summary>
    public static void Run(int rounds, Action<Random> test)
    {
        var forced = Environment.GetEnvironmentVariable("BITTREE_SEED");
        for (var round = 0; round < (string.IsNullOrEmpty(forced) ? rounds : 1); round++)
        {
            var seed = string.IsNullOrEmpty(forced) ? Random.Shared.Next() : int.Parse(forced, CultureInfo.InvariantCulture);
            try
            {
                test(new Random(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Replay with BITTREE_SEED={seed}: {e.Message}", e);
            }
        }
    }
}
