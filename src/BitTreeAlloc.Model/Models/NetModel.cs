using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>.NET's documented model on multi-copy-atomic hardware: Volatile as acquire and release, Interlocked (a sequentially consistent read-modify-write) as a full fence.</summary>
internal readonly unsafe struct NetModel : IConsistency, IPreservedOrder
{
    public static bool IsConsistent(in Graph graph, int threads, int locations) => OrderedBefore<NetModel>.IsConsistent(graph, threads, locations);

    public static bool IsFull(Event* candidate) =>
        candidate->Order.IsSeqCst() && (candidate->Kind == EventKind.Fence || candidate->Writes != 0);

    public static bool StaysBefore(Event* earlier, Event* later) =>
        (earlier->Kind == EventKind.Read && earlier->Order.IsAcquire()) || (later->Kind == EventKind.Write && later->Order.IsRelease());
}
