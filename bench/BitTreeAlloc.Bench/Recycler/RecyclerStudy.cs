using BitTreeAlloc.Bench.Timing;

namespace BitTreeAlloc.Bench.Recycler;

/// <summary>The recycler variants beside each other, loop by loop.</summary>
internal static class RecyclerStudy
{
    // A round takes a few milliseconds at most: many short ones find moments when the machine is free, few long ones never do.
    private const int Pairs = 100_000;
    private const int ThreadedPairs = 20_000;

    public static IReadOnlyList<Table> Run(int rounds, TextWriter output)
    {
        var variants = BagLoops.All();
        using var threads = new TwoThreads();
        var tables = new List<Table>();
        Add("1 thread: give 1, take 1", loops => loops.OnePair(Pairs));
        Add("1 thread: give 8, take 8", loops => loops.Bursts(Pairs / BagLoops.Burst));
        Add("2 threads, one gives and one takes", loops => loops.OneToOne(threads, ThreadedPairs));
        Add("2 threads, each takes and gives", loops => loops.Contended(threads, ThreadedPairs));
        foreach (var variant in variants)
            variant.Dispose();
        return tables;

        void Add(string loop, Func<BagLoops, double> round)
        {
            tables.Add(Interleaved.Run(loop, [.. variants.Select(loops => new Entrant(loops.Name, () => round(loops)))], rounds));
            Figures.Print(output, tables[^1]);
        }
    }
}
