using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>How Coyote chooses schedules.</summary>
internal enum CoyoteStrategy
{
    /// <summary>Its own mix, in turn: random, probabilistic, priorities, delays.</summary>
    Portfolio,

    /// <summary>Uniform at every step: schedule i of seed s is schedule 0 of seed s + i.</summary>
    Random,

    /// <summary>Every schedule, one after another; only for what is small and chooses nothing.</summary>
    DepthFirst,
}

/// <summary>How a scenario runs under Coyote.</summary>
internal sealed record CoyoteOptions
{
    /// <summary>Schedules of one shard. Coyote keeps about 4 KB of each while an engine lives.</summary>
    public const uint MostSchedules = 100_000;

    public CoyoteStrategy Strategy { get; init; } = CoyoteStrategy.Portfolio;

    /// <summary>Schedules to run, of this shard.</summary>
    public uint Schedules { get; init; } = 200;

    /// <summary>Seed of the first schedule of shard 0.</summary>
    public uint Seed { get; init; } = 1;

    /// <summary>Number of the shard: it begins at <see cref="Seed"/> + shard × <see cref="Schedules"/>.</summary>
    public uint Shard { get; init; }

    /// <summary>A planted weakness.</summary>
    public SiteWeakening Weakening { get; init; }

    /// <summary>A trace that Coyote wrote: that schedule alone is run.</summary>
    public string? Trace { get; init; }

    /// <summary>Seed of the shard's first schedule.</summary>
    public uint FirstSeed => Seed + (Shard * Schedules);

    /// <summary>As the environment says: BITTREE_COYOTE_SCHEDULES, _SEED, _SHARD, _STRATEGY, and _REPLAY, a trace file whose name begins with the scenario's.</summary>
    public static CoyoteOptions FromEnvironment(string scenario)
    {
        var replay = Environment.GetEnvironmentVariable("BITTREE_COYOTE_REPLAY");
        var isMine = !string.IsNullOrEmpty(replay) && Path.GetFileName(replay) == TraceFileOf(scenario);
        return new CoyoteOptions
        {
            Strategy = Enum.TryParse<CoyoteStrategy>(Environment.GetEnvironmentVariable("BITTREE_COYOTE_STRATEGY"), out var strategy) ? strategy : CoyoteStrategy.Portfolio,
            Schedules = Number("SCHEDULES", 200),
            Seed = Number("SEED", 1),
            Shard = Number("SHARD", 0),
            Trace = isMine ? File.ReadAllText(replay!) : null,
        };
    }

    /// <summary>Name of the file that a scenario's failing schedule is written to.</summary>
    public static string TraceFileOf(string scenario) => scenario.Replace('/', '-') + ".coyote-trace";

    private static uint Number(string name, uint otherwise) =>
        uint.TryParse(Environment.GetEnvironmentVariable("BITTREE_COYOTE_" + name), out var value) ? value : otherwise;
}

/// <summary>What a run under Coyote came to.</summary>
internal sealed record CoyoteReport
{
    public required string Scenario { get; init; }

    public required CoyoteStrategy Strategy { get; init; }

    /// <summary>Schedules run.</summary>
    public required int Schedules { get; init; }

    /// <summary>Schedules whose order of accesses was new.</summary>
    public required int Distinct { get; init; }

    /// <summary>Accesses of all schedules together.</summary>
    public required long Steps { get; init; }

    /// <summary>Most operations that Coyote controlled in a schedule: the threads and the one that started them.</summary>
    public required int ControlledOperations { get; init; }

    /// <summary>Depth-first search came to its end.</summary>
    public required bool IsExhaustive { get; init; }

    public required ModelError? Error { get; init; }

    /// <summary>Replays the error; empty without one.</summary>
    public required string Trace { get; init; }

    public required TimeSpan Elapsed { get; init; }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Scenario}: coyote {Strategy}, {Schedules} schedules ({Distinct} distinct, {Schedules / Elapsed.TotalSeconds:0}/s){(IsExhaustive ? ", exhaustive" : "")}{(Error == null ? "" : $", {Error.Kind}: {Error.Text}")}");
}
