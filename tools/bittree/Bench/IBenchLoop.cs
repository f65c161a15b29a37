namespace BitTreeAlloc.Tool.Bench;

/// <summary>One question that 'bittree bench' can answer, by name.</summary>
internal interface IBenchLoop
{
    /// <summary>What the user types.</summary>
    string Name { get; }

    /// <summary>One line for the list: what is measured, and what comes out.</summary>
    string Summary { get; }

    /// <summary>Sets the loop up for one profile.</summary>
    IBenchSeries Start(BenchRequest request, Profile profile);
}

/// <summary>
/// A loop while it is measured: arms that are compared with each other, each run once per round, in an order that changes from round to round, so that what the machine does meanwhile meets all alike.
/// </summary>
internal interface IBenchSeries : IDisposable
{
    /// <summary>Names of the arms.</summary>
    IReadOnlyList<string> Arms { get; }

    /// <summary>Runs one arm once. Rounds that are not <paramref name="counted"/> warm up.</summary>
    void Run(int arm, bool counted);

    /// <summary>The figures of all rounds, a row per arm or more.</summary>
    IEnumerable<BenchRow> Rows();

    /// <summary>What they mean: sentences, one per line. May be empty.</summary>
    IEnumerable<string> Conclusions();
}

/// <summary>What 'bittree bench' was asked to do.</summary>
internal sealed record BenchRequest
{
    /// <summary>The default number of rounds.</summary>
    public const int DefaultRounds = 5;

    /// <summary>The default number of samples of a loop that measures single calls.</summary>
    public const long DefaultSamples = 10_000_000;

    /// <summary>Names of loops; empty lists them.</summary>
    public IReadOnlyList<string> Loops { get; init; } = [];

    /// <summary>BitTreeAlloc's profiles, measured one after the other.</summary>
    public IReadOnlyList<Profile> Profiles { get; init; } = [Profile.Balanced];

    /// <summary>BitTreeAlloc's CAS form.</summary>
    public CasWidth Cas { get; init; }

    /// <summary>Counted rounds.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Samples per arm over all rounds.</summary>
    public long Samples { get; init; } = DefaultSamples;

    /// <summary>Where the rows go as JSON, or null.</summary>
    public string? Json { get; init; }
}
