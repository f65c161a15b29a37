using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// A small concurrent program over the code under test: memory and objects made in <see cref="Prepare"/>, up to eight threads, a check of the final state.
/// The threads use nothing shared but through the seam; what they find out they report with <see cref="Run.Result"/>, because a thread's body is run again and again.
/// </summary>
public abstract class Scenario
{
    /// <summary>A name like "recycler/two-poppers".</summary>
    public abstract string Name { get; }

    /// <summary>One sentence: what must hold.</summary>
    public abstract string Claim { get; }

    /// <summary>Number of threads.</summary>
    public abstract int Threads { get; }

    /// <summary>Deviation bound for the gate; null explores exhaustively.</summary>
    public virtual int? Bound => null;

    /// <summary>Operations that one thread may take in one run; beyond, it counts as one that does not end. 0 leaves that to the engine's capacity.</summary>
    public virtual int StepBound => 0;

    /// <summary>Whether stopping a thread anywhere must leave the others able to finish: the stall test runs it.</summary>
    public virtual bool IsLockFree => true;

    /// <summary>Names of the operations that <see cref="Run.Begin"/> numbers.</summary>
    public virtual IReadOnlyList<string> Operations => [];

    /// <summary>Makes the memory. Operations act directly.</summary>
    public abstract void Prepare(ModelMemory memory);

    /// <summary>The body of a thread: deterministic but for what it reads.</summary>
    public abstract void Body(Run run, int thread);

    /// <summary>Looks at the end of each complete execution; throws through <see cref="Run.Fail"/>. Operations act directly on the final values.</summary>
    public virtual void Check(Run run)
    {
    }

    /// <summary>Looks at executions in which <paramref name="stopped"/> was stopped for ever and all others finished. Operations act directly on the final values.</summary>
    public virtual void CheckStopped(Run run, int stopped)
    {
    }
}
