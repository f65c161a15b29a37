using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>What a replay was asked to do.</summary>
internal sealed record ReplayOptions
{
    /// <summary>The default number of timed rounds.</summary>
    public const int DefaultRounds = 5;

    /// <summary>The most rounds accepted.</summary>
    public const int MostRounds = 1000;

    /// <summary>Trace files, or the embedded one.</summary>
    public IReadOnlyList<string> Files { get; init; } = [TraceSource.Embedded];

    /// <summary>Contenders' names, without duplicates, in the order given.</summary>
    public IReadOnlyList<string> Allocators { get; init; } = [ContenderCatalog.BitTree, ContenderCatalog.Native];

    /// <summary>False after <c>--allocator all</c>, which means those that are installed.</summary>
    public bool WarnAboutMissing { get; init; } = true;

    /// <summary>Serial, parallel or both.</summary>
    public IReadOnlyList<ReplayMode> Modes { get; init; } = [ReplayMode.Serial];

    /// <summary>BitTreeAlloc's profiles; one row each.</summary>
    public IReadOnlyList<Profile> Profiles { get; init; } = [Profile.Balanced];

    /// <summary>BitTreeAlloc's levels; one row each. Auto: what BITTREE_CHECK says.</summary>
    public IReadOnlyList<Level> Levels { get; init; } = [Level.Auto];

    /// <summary>BitTreeAlloc's CAS form.</summary>
    public CasWidth Cas { get; init; }

    /// <summary>Whether every byte is checked.</summary>
    public bool Verify { get; init; }

    /// <summary>Timed rounds.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Where the rows go as JSON, or null.</summary>
    public string? Json { get; init; }
}
