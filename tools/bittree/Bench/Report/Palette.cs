using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>A colour per allocator, the same in every drawing of a page. Ours is the first; beyond the last, colours come again.</summary>
internal sealed class Palette
{
    /// <summary>Colours that the page's style has.</summary>
    public const int Colours = 9;

    private readonly List<string> _names = [ContenderCatalog.BitTree];

    public Palette(IEnumerable<BenchRow> rows) => _names.AddRange(rows.Select(row => row.Allocator).Distinct().Where(name => name != ContenderCatalog.BitTree));

    /// <summary>The number of an allocator.</summary>
    public int NumberOf(string allocator) => Math.Max(0, _names.IndexOf(allocator));

    /// <summary>The class that fills a shape.</summary>
    public string Fill(string allocator) => $"f{NumberOf(allocator) % Colours}";
}
