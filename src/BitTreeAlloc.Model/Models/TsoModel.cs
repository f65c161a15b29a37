using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>x64: only a store may pass a later load; read-modify-writes, full fences and sequentially consistent stores drain the buffer.</summary>
internal readonly unsafe struct TsoModel : IConsistency, IPreservedOrder
{
    public static bool IsConsistent(in Graph graph, int threads, int locations) => OrderedBefore<TsoModel>.IsConsistent(graph, threads, locations);

    public static bool IsFull(Event* candidate) =>
        candidate->Writes != 0
        || (candidate->Order.IsSeqCst() && candidate->Kind is (EventKind.Fence or EventKind.Write));

    public static bool StaysBefore(Event* earlier, Event* later) =>
        earlier->Kind is (EventKind.Read or EventKind.Write) && later->Kind is (EventKind.Read or EventKind.Write)
        && !(earlier->Kind == EventKind.Write && later->Kind == EventKind.Read);
}
