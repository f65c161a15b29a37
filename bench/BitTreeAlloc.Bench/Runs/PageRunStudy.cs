using System.Diagnostics;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Bench.Runs;

/// <summary>A take and a give of 1, 2, 16 and 300 pages in chunks of 512, one thread. No page is touched: the words alone are measured.</summary>
internal static unsafe class PageRunStudy
{
    private const int Pairs = 20_000;
    private const int ScatterSeed = 4;

    public static IReadOnlyList<Table> Run(int rounds, TextWriter output)
    {
        var tables = new List<Table>();
        Add("empty chunk", _ => { });
        Add("the lower 200 pages taken", chunk => Take(chunk, 200));
        Add("the lower half taken (300 pages: refused)", chunk => Take(chunk, 256));
        Add("about half taken in runs of 1 to 16, scattered (300 pages: refused)", Scatter);
        Add("every second page taken, the lowest too (only 1 page fits)", Comb);
        return tables;

        void Add(string loop, Action<nint> fill)
        {
            var chunk = Make();
            fill(chunk);
            tables.Add(Interleaved.Run(loop, [.. new[] { 1, 2, 16, 300 }.Select(pages => new Entrant($"{pages} pages", () => Round(chunk, pages)))], rounds));
            Figures.Print(output, tables[^1]);
            NativeMemory.Free((void*)chunk);
        }
    }

    private static double Round(nint address, int pages)
    {
        var chunk = (RunChunk*)address;
        var start = Stopwatch.GetTimestamp();
        for (var pair = 0; pair < Pairs; pair++)
        {
            if (PageRuns<HardwareAtomics, ShippedGeometry>.TryTake(chunk, pages, 1, out var first))
                PageRuns<HardwareAtomics, ShippedGeometry>.Give(chunk, first);
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Pairs;
    }

    private static nint Make()
    {
        var words = PageRuns<HardwareAtomics, ShippedGeometry>.WordsOf(RunChunk.MaxPages);
        var chunk = (RunChunk*)NativeMemory.AllocZeroed((nuint)(sizeof(RunChunk) + ((words + RunChunk.MaxPages) * sizeof(ulong))));
        chunk->Taken = (ulong*)(chunk + 1);
        chunk->Runs = chunk->Taken + words;
        chunk->Pages = RunChunk.MaxPages;
        return (nint)chunk;
    }

    private static int Take(nint chunk, int pages) => PageRuns<HardwareAtomics, ShippedGeometry>.TryTake((RunChunk*)chunk, pages, 1, out var first) ? first : -1;

    private static void Comb(nint chunk)
    {
        for (var page = 0; page < RunChunk.MaxPages; page++)
            Take(chunk, 1);
        for (var page = 1; page < RunChunk.MaxPages; page += 2)
            PageRuns<HardwareAtomics, ShippedGeometry>.Give((RunChunk*)chunk, page);
    }

    /// <summary>Fills the chunk with runs of 1 to 16 pages and gives random ones back until about half of the pages is free.</summary>
    private static void Scatter(nint chunk)
    {
        var random = new Random(ScatterSeed);
        var runs = new List<int>();
        for (var first = 0; first >= 0; first = Take(chunk, random.Next(1, 17)))
            runs.Add(first);
        runs = [.. runs.Skip(1)];
        random.Shuffle(CollectionsMarshal.AsSpan(runs));
        var free = 0;
        for (var at = 0; at < runs.Count && free < RunChunk.MaxPages / 2; at++)
            free += PageRuns<HardwareAtomics, ShippedGeometry>.Give((RunChunk*)chunk, runs[at]);
    }
}
