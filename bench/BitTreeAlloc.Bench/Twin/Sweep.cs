using System.Globalization;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>A value that a sweep tries. Of the twin: definitions of shape.h. Of the product: options. What is shipped comes first.</summary>
internal sealed record Variant(string Name, string[]? Definitions = null, BitTreeAllocatorOptions? Options = null);

/// <summary>
/// Decisions of shape, each a command: what is shipped beside its alternatives, in turn within each round. The last row is what is shipped once more: as far as it is from 1, so far is the noise.
/// </summary>
/// <param name="Name">What the user types.</param>
/// <param name="Summary">One line for the list.</param>
/// <param name="Loops">Loops that it is judged by; a trace comes on top where one thread is enough.</param>
/// <param name="Shapes">What is tried, what is shipped first.</param>
internal sealed record Sweep(string Name, string Summary, string[] Loops, Variant[] Shapes)
{
    private const string Again = " again";

    private static readonly string[] s_oneThread = ["pair-mixed", "batch-random", "burst-5000", "churn-100k"];
    private static readonly string[] s_shared = ["burst-500", "burst-5000", "pc-1x1", "larson-2t"];

    private static readonly Sweep[] s_all =
    [
        new("magazine-bytes", "bytes of slots in one magazine (C twin)", s_oneThread, Defined("MAGAZINE_BYTES", "16384", "4096", "8192", "32768", "65536")),
        new("magazine-slots", "most slots in one magazine (C twin)", s_oneThread, Defined("MAGAZINE_SLOTS", "125", "29", "61", "253", "509")),
        new("magazine-least", "least slots in one magazine of large classes (C twin)", s_oneThread, Defined("MIN_MAGAZINE_SLOTS", "4", "1", "2", "8", "16")),
        new("classes", "classes per doubling, 64 B to 8 KiB (C twin)", s_oneThread, Defined("CLASSES_PER_DOUBLING", "8", "4", "16")),
        new("blocks", "log2 of the bytes of a block, classes above 32 B (C twin)", s_oneThread, Defined("BLOCK_SHIFT", "16", "15", "17", "18", "19")),
        new("tiny-blocks", "log2 of the bytes of a block, classes to 32 B (C twin)", s_oneThread, Defined("TINY_BLOCK_SHIFT", "14", "13", "15", "16")),
        new("colour", "first slots of blocks moved by cache lines (C twin)", ["pair-mixed", "batch-fifo", .. s_oneThread[1..]], Defined("COLOUR", "0", "1")),
        new("prefetch", "1: first lines of slots at refill; 2: the next slot at each allocation (C twin)", s_oneThread, Defined("PREFETCH", "0", "1", "2")),
        new("order", "1: a refill hands out the lowest address first (C twin)", s_oneThread, Defined("REFILL_ORDER", "0", "1")),
        new("limits", "byte budget of all caches (C#)", s_oneThread, Budgets(0, 256 << 10, 1 << 20, 2 << 20, 4 << 20, 16 << 20, 64 << 20)),
        new("recycler-bytes", "bytes that the recycler of a class may hold (C#)", s_shared, Recyclers(64, 16, 32, 128, 256, 512)),
        new("recycler", "16- or 8-byte compare-exchange at its head (C#)", s_shared,
            [new("16 bytes", null, new BitTreeAllocatorOptions { CasWidth = CasWidth.Sixteen }), new("8 bytes", null, new BitTreeAllocatorOptions { CasWidth = CasWidth.Eight })]),
        new("recycler-c", "the same in the C twin", s_shared, Defined("RECYCLER_CAS", "16", "8")),
        new("profile", "the three profiles (C#)", s_oneThread,
            [.. ((Profile[])[Profile.Balanced, Profile.LowLatency, Profile.Frugal]).Select(profile => new Variant(profile.ToString(), null, new BitTreeAllocatorOptions { Profile = profile }))]),
    ];

    /// <summary>What is tried, and the control.</summary>
    private Variant[] Variants { get; } = [.. Shapes, Shapes[0] with { Name = Shapes[0].Name + Again }];

    /// <summary>What the user may type.</summary>
    public static IEnumerable<string> Names => s_all.Select(sweep => sweep.Name);

    /// <summary>Writes what there is.</summary>
    public static void List(TextWriter output)
    {
        foreach (var sweep in s_all)
            output.WriteLine($"  {sweep.Name,-16} {sweep.Summary}: {string.Join(", ", sweep.Shapes.Select(variant => variant.Name))}");
    }

    /// <summary>Runs one.</summary>
    /// <exception cref="CliException">The trace cannot be read.</exception>
    public static IReadOnlyList<Table> Run(string name, int rounds, string? trace, string? svg, TextWriter output)
    {
        var sweep = s_all.First(sweep => sweep.Name == name);
        var replayed = ReferenceEquals(sweep.Loops, s_shared) ? null : Load(trace ?? TraceSource.Embedded);
        CCompiler? compiler = null;
        try
        {
            if (sweep.Shapes[0].Definitions is not null)
            {
                compiler = CCompiler.Find(out var reason);
                if (compiler is null)
                {
                    output.WriteLine($"Skipped: {reason}.");
                    return [];
                }
            }

            return sweep.Run(compiler, rounds, replayed, svg, output);
        }
        finally
        {
            compiler?.Dispose();
        }
    }

    private List<Table> Run(CCompiler? compiler, int rounds, Trace? trace, string? svg, TextWriter output)
    {
        var libraries = Array.ConvertAll(Variants, variant => variant.Definitions is { } definitions ? new TwinLibrary(compiler!.MakeLibrary(definitions)) : null);
        List<TwinLoop> loops = [.. Loops.Select(loop => TwinLoop.All.First(one => one.Name == loop))];
        if (trace is not null)
            loops.Add(TwinLoop.Of(trace));
        using var threads = new TwoThreads();
        var tables = new List<Table>();
        foreach (var loop in loops)
        {
            var sides = Variants.Select((variant, number) => libraries[number] is { } library
                ? (LoopSide)new TwinSide(variant.Name, library)
                : new ManagedSide(variant.Name, variant.Options!)).ToList();
            tables.Add(TwinStudy.Measure(loop, sides, threads, rounds));
            Figures.Print(output, tables[^1]);
        }

        Summarise(tables, output);
        if (svg is not null)
            File.WriteAllText(svg, RatioPicture.Draw($"sweep {Name}: {Summary}", tables));
        return tables;
    }

    private void Summarise(List<Table> tables, TextWriter output)
    {
        output.WriteLine($"sweep {Name}, time / that of {Variants[0].Name}: median of the rounds' ratios (middle half)");
        output.WriteLine();
        output.WriteLine($"| {Name} | {string.Join(" | ", tables.Select(table => table.Loop.Split(',')[0]))} |");
        output.WriteLine($"|---|{string.Concat(tables.Select(_ => "---|"))}");
        foreach (var (variant, number) in Variants.Select((variant, number) => (variant, number)))
        {
            output.WriteLine($"| {variant.Name} | {string.Join(" | ", tables.Select(table =>
            {
                var ratios = table.Rows[number].RatiosTo(table.Rows[0]);
                return number == 0 ? string.Create(CultureInfo.InvariantCulture, $"1 ({table.Rows[0].Median:f1} ns)") : string.Create(CultureInfo.InvariantCulture, $"{ratios.Median:f3} ({ratios.At(0.25):f2}–{ratios.At(0.75):f2})");
            }))} |");
        }
    }

    private static Trace Load(string path)
    {
        try
        {
            return TraceSource.Load(path);
        }
        catch (Exception e) when (e is IOException or TraceFormatException)
        {
            throw new CliException($"--trace '{path}' cannot be read: {e.Message}");
        }
    }

    private static Variant[] Defined(string macro, params string[] values) => Array.ConvertAll(values, value => new Variant(value, [$"{macro}={value}"]));

    private static Variant[] Budgets(params int[] bytes) =>
        Array.ConvertAll(bytes, value => new Variant(value == 0 ? "default" : Size((ulong)value), null, new BitTreeAllocatorOptions { CacheBudgetBytes = (ulong)value }));

    private static Variant[] Recyclers(params int[] kibibytes) =>
        Array.ConvertAll(kibibytes, value => new Variant(Size((ulong)value << 10), null, new BitTreeAllocatorOptions { RecyclerBytesPerClass = (ulong)value << 10 }));

    private static string Size(ulong bytes) => bytes % (1 << 20) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB") : string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10} KiB");
}
