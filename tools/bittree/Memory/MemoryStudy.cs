using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>Memory figures of several contenders on one trace and mode, less those of the empty run, each the median of several processes.</summary>
internal sealed class MemoryStudy(string file, ReplayMode mode, CasWidth cas, int children, IReadOnlyList<PeerDescription>? peers = null)
{
    /// <summary>The most processes per figure: more would not move the median by a page.</summary>
    public const int MostChildren = 5;

    private MemoryFigures? _empty;

    /// <summary>Replays that <see cref="Measure"/> of <paramref name="contenders"/> contenders takes.</summary>
    public static int Steps(int contenders, int children) => (contenders + 1) * children;

    /// <summary>The figures of one contender, or a line that says why there are none.</summary>
    public (MemoryFigures? Figures, string? Error) Measure(Contender contender, Action step)
    {
        if (_empty is null)
        {
            var (empty, error) = MedianOf(ContenderCatalog.Empty, Profile.Balanced, Level.Fast, step);
            if (empty is null)
                return (null, error);
            _empty = empty;
        }

        var (figures, why) = MedianOf(contender.Name, contender.Profile ?? Profile.Balanced, contender.Level ?? Level.Fast, step);
        return (figures?.Less(_empty.Value), why);
    }

    private (MemoryFigures? Figures, string? Error) MedianOf(string allocator, Profile profile, Level level, Action step)
    {
        var runs = new List<MemoryFigures>();
        var library = peers?.FirstOrDefault(peer => peer.Name == allocator)?.Files[0] ?? "";
        for (var i = 0; i < children; i++)
        {
            var (figures, error) = ChildRunner.Run(new MeasureRequest(file, mode, allocator, profile, level, cas, library));
            step();
            if (figures is null)
                return (null, error);
            runs.Add(figures.Value);
        }

        return (MemoryFigures.Median(runs), null);
    }
}
