namespace BitTreeAlloc.Model.Engine;

/// <summary>The memory models that the explorer knows.</summary>
public enum MemoryModel
{
    /// <summary>C++20's model as repaired (RC11), Interlocked as acquire-release read-modify-write: the portable default, weaker than any .NET runs on.</summary>
    Rc11,

    /// <summary>Multi-copy-atomic hardware under .NET's rules, Interlocked as a full fence.</summary>
    Net,

    /// <summary>x64.</summary>
    Tso,

    /// <summary>Plain interleavings.</summary>
    Sc,
}

/// <summary>Whether a graph is an execution of a model. Coherence has been seen to by the engine; a store or source that is the newest needs no question.</summary>
internal interface IConsistency
{
    static abstract bool IsConsistent(in Graph graph, int threads, int locations);
}
