using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Reports;

namespace BitTreeAlloc.Model.Baton;

/// <summary>Notes an execution in the form of a graph's shape, so that it is shown and replayed as one.</summary>
internal sealed class BatonRecord(int threads)
{
    private readonly List<int>[] _decisions = [.. Enumerable.Range(0, threads).Select(_ => new List<int>())];
    private readonly int[] _events = new int[threads];

    public void Add(int thread, int decision, int events)
    {
        _decisions[thread].Add(decision);
        _events[thread] += events;
    }

    public void AddFence(int thread) => _events[thread]++;

    /// <summary>The shape, or null where a thread has more events than a graph holds.</summary>
    public ExecutionShape? ToShape() =>
        _events.Max() > Views.MaxEvents - 2 ? null : new ExecutionShape([.. _events.Select((count, thread) => new ThreadShape(count, [.. _decisions[thread]]))]);
}
