using BitTreeAlloc.Tool.Bench.Threaded;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>The loops over small objects, of one thread and of several.</summary>
internal static class SmallLoops
{
    private const int Batch = 1000;

    /// <summary>All of them, in the order of the list.</summary>
    public static IReadOnlyList<TimedLoop> All { get; } =
    [
        new PairLoop<Mixed>("pair-mixed", "Allocate and free at once, 16 to 1024 bytes from a table; untouched."),
        new PairLoop<Constant64>("pair-64", "Allocate and free at once, 64 bytes known to the compiler; untouched."),
        new BatchLoop<Mixed, OldestFirst, Plain>("batch-fifo", Batch, "Allocate 1 000 of 16 to 1024 bytes, then free all, oldest first."),
        new BatchLoop<Mixed, RandomOrder, Plain>("batch-random", Batch, "Allocate 1 000 of 16 to 1024 bytes, then free all in random order."),
        new BatchLoop<Constant64, OldestFirst, Plain>("burst-500", 500, "Allocate 500 of 64 bytes, then free all, oldest first."),
        new BatchLoop<Constant64, OldestFirst, Plain>("burst-5000", 5000, "Allocate 5 000 of 64 bytes, then free all, oldest first: to be compared with burst-500."),
        new ChurnLoop("churn-1k", 1024, "1 024 live: free a random one, allocate another. Sizes as four recorded programs ask for: 79 % to 128 bytes, 5 % of 1 to 4 KiB."),
        new ChurnLoop("churn-100k", 100_000, "The same with 100 000 live."),
        new BoundaryLoop(),
        new BatchLoop<Mixed, OldestFirst, Aligned64>("aligned", Batch, "batch-fifo with every object aligned to 64 bytes, by the calls for that."),
        new BatchLoop<Mixed, OldestFirst, Zeroed>("zeroed", Batch, "batch-fifo with zeroed objects, by the calls for that."),
        new UnsizedLoop(),
        new ProducerConsumerLoop(1, touched: false),
        new ProducerConsumerLoop(1, touched: true),
        new ProducerConsumerLoop(Math.Max(2, Environment.ProcessorCount - 1), touched: false),
        new LarsonLoop(),
        new BirthsLoop(),
        new FalseSharingLoop("scratch-2t", given: true, "Two threads write an object of 8 bytes 64 times, free it, allocate another. Before, each frees objects that lie between the other's (passive false sharing)."),
        new FalseSharingLoop("thrash-2t", given: false, "The same without those objects: do fresh ones share cache lines (active false sharing)?"),
    ];
}
