using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>A planted bug: RC11 with scb as the paper has it, which allows two executions of Z6.U more than GenMC's form.</summary>
internal readonly struct Rc11WithPaperScb : IConsistency
{
    public static bool IsConsistent(in Graph graph, int threads, int locations) => Rc11Model.IsConsistent(graph, threads, locations, EngineMutant.PaperScb);
}

/// <summary>A planted bug: RC11 in which fences are ordered by scb and hb alone.</summary>
internal readonly struct Rc11WithoutFenceEco : IConsistency
{
    public static bool IsConsistent(in Graph graph, int threads, int locations) => Rc11Model.IsConsistent(graph, threads, locations, EngineMutant.NoFenceEco);
}

/// <summary>A planted bug: NET that lets an acquire read of its own thread's read-modify-write be done before that is visible; coherence and the model disagree then.</summary>
internal readonly unsafe struct NetWithoutOwnRmwEdge : IConsistency, IPreservedOrder
{
    public static bool OwnRmwCounts => false;

    public static bool IsConsistent(in Graph graph, int threads, int locations) => OrderedBefore<NetWithoutOwnRmwEdge>.IsConsistent(graph, threads, locations);

    public static bool IsFull(Event* candidate) => NetModel.IsFull(candidate);

    public static bool StaysBefore(Event* earlier, Event* later) => NetModel.StaysBefore(earlier, later);
}
