using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Bench.WholeAllocator;

/// <summary>The whole allocator where its recycler is at work, beside its peers or over the recycler's bound.</summary>
internal static class AllocatorStudy
{
    // Short rounds: see RecyclerStudy.
    private const int Objects = 100_000;
    private static readonly int[] s_bursts = [500, 5000];
    private static readonly int[] s_kibibytes = [64, 16, 32, 128, 256, 512];

    /// <summary>Both forms of the head, NativeMemory and what is installed.</summary>
    public static IReadOnlyList<Table> Run(int rounds, TextWriter output)
    {
        var entrants = new List<AllocatorLoops>();
        if (CasStub.IsSupported)
            entrants.Add(Make("bittree, 16-byte head", new BitTreeAllocatorOptions { CasWidth = CasWidth.Sixteen }));
        entrants.Add(Make("bittree, 8-byte head", new BitTreeAllocatorOptions { CasWidth = CasWidth.Eight }));
        entrants.Add(new AllocatorLoops<NativeAdapter>("NativeMemory", default));
        foreach (var peer in PeerLibrary.Known)
        {
            if (PeerLibrary.TryLoad(peer, out var library))
                entrants.Add(new AllocatorLoops<PeerAdapter>(peer.Name, new PeerAdapter(library)));
            else
                output.WriteLine($"{peer.Name} is not here, or cannot be loaded into this process (--help says what may help).\n");
        }

        entrants.Add(new AllocatorLoops<CycleAdapter>("no allocator: memory in turn", new CycleAdapter()));
        entrants.Add(new AllocatorLoops<NoOpAdapter>("no allocator, no memory", default));
        return Measure(entrants, rounds, output);
    }

    /// <summary>The bound of the recycler per class; the shipped one first.</summary>
    public static IReadOnlyList<Table> RunBytes(int rounds, TextWriter output) =>
        Measure([.. s_kibibytes.Select(size => Make(string.Create(CultureInfo.InvariantCulture, $"{size} KiB"), new BitTreeAllocatorOptions { RecyclerBytesPerClass = (ulong)size << 10 }))], rounds, output);

    private static AllocatorLoops Make(string name, BitTreeAllocatorOptions options) => new AllocatorLoops<BitTreeAdapter>(name, new BitTreeAdapter(options));

    private static List<Table> Measure(IReadOnlyList<AllocatorLoops> entrants, int rounds, TextWriter output)
    {
        var tables = new List<Table>();
        using (var threads = new TwoThreads())
        {
            var ring = new SpscRing<nint>();
            Add($"producer and consumer, ring of {SpscRing<nint>.Capacity}, {Small.Bytes} bytes", loops => loops.ProducerConsumer<Small>(threads, ring, Objects));
            Add($"producer and consumer, ring of {SpscRing<nint>.Capacity}, {Large.Bytes} bytes", loops => loops.ProducerConsumer<Large>(threads, ring, Objects));
            foreach (var burst in s_bursts)
                Add($"bursts of {burst}, {Small.Bytes} bytes", loops => loops.Burst(burst, Objects));
        }

        foreach (var entrant in entrants)
            entrant.Dispose();
        return tables;

        void Add(string loop, Func<AllocatorLoops, double> round)
        {
            tables.Add(Interleaved.Run(loop, [.. entrants.Select(loops => new Entrant(loops.Name, () => round(loops)))], rounds));
            Figures.Print(output, tables[^1]);
        }
    }
}
