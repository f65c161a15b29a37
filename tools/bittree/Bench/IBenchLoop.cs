using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Replays;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>One question that 'bittree bench' can answer, by name.</summary>
internal interface IBenchLoop
{
    /// <summary>What the user types.</summary>
    string Name { get; }

    /// <summary>The name that stands for it and others like it.</summary>
    string Group { get; }

    /// <summary>Whether it compares allocators, the user's own among them.</summary>
    bool ComparesAllocators => false;

    /// <summary>Whether it replays traces that the user names.</summary>
    bool ReadsTraces => false;

    /// <summary>Counted rounds where the user says nothing.</summary>
    int DefaultRounds => BenchRequest.DefaultRounds;

    /// <summary>Whether <c>all</c> stands for it too.</summary>
    bool IsInAll => true;

    /// <summary>The loops to run in its place: of one that reads traces, one per trace.</summary>
    IEnumerable<IBenchLoop> Over(IReadOnlyList<NamedTrace> traces) => [this];

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

    /// <summary>Steps that <see cref="Finish"/> takes.</summary>
    int FinishSteps => 0;

    /// <summary>What went wrong, one line per arm.</summary>
    IEnumerable<string> Failures => [];

    /// <summary>What is measured after the rounds, by other means; calls <paramref name="step"/> before each step.</summary>
    void Finish(Action<string> step)
    {
    }

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

    /// <summary>How long a round of one contender should be.</summary>
    public static readonly TimeSpan DefaultRoundTime = TimeSpan.FromMilliseconds(40);

    /// <summary>Names of loops; empty lists them.</summary>
    public IReadOnlyList<string> Loops { get; init; } = [];

    /// <summary>Traces for the loops that read some.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Allocators of the user's, beside those the tool knows.</summary>
    public IReadOnlyList<PeerDescription> Peers { get; init; } = [];

    /// <summary>The only contenders of loops that compare allocators, or null for all.</summary>
    public IReadOnlyList<string>? Contenders { get; init; }

    /// <summary>How long a round of one contender should be, of loops that choose their number of operations.</summary>
    public TimeSpan RoundTime { get; init; } = DefaultRoundTime;

    /// <summary>Whether loops that compare allocators measure memory too, in processes of their own.</summary>
    public bool MeasuresMemory { get; init; } = true;

    /// <summary>BitTreeAlloc's profiles, measured one after the other.</summary>
    public IReadOnlyList<Profile> Profiles { get; init; } = [Profile.Balanced];

    /// <summary>BitTreeAlloc's CAS form.</summary>
    public CasWidth Cas { get; init; }

    /// <summary>Whether <see cref="Rounds"/> is the user's word; else each loop has its own number.</summary>
    public bool RoundsAreGiven { get; init; }

    /// <summary>Counted rounds.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Samples per arm over all rounds.</summary>
    public long Samples { get; init; } = DefaultSamples;

    /// <summary>Where the rows go as JSON, or null.</summary>
    public string? Json { get; init; }

    /// <summary>Where the report goes as a page, or null.</summary>
    public string? Html { get; init; }
}
