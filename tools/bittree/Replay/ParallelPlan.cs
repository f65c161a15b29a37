using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>What the parallel replay keeps in <see cref="TraceEvent.Thread"/>, since the thread is known there.</summary>
[Flags]
internal enum PlanFlags : ushort
{
    /// <summary>Depends on its own thread only.</summary>
    None = 0,

    /// <summary>Its slot's previous event is another thread's: wait for it.</summary>
    Wait = 1,

    /// <summary>Its slot's next event is another thread's: publish that it is done.</summary>
    Publish = 2,
}

/// <summary>Event <paramref name="Index"/> of thread <paramref name="Thread"/>'s own list.</summary>
internal readonly record struct Dependency(int Thread, int Index);

/// <summary>The events of one thread in their order, and for each that waits, in the same order, what it waits for.</summary>
internal sealed record ThreadPlan(TraceEvent[] Events, int[] Numbers, Dependency[] Waits);

/// <summary>
/// A trace split by thread. An event depends on the previous event of its slot id; where that is the same thread's, program order is enough, so
/// only events whose predecessor is another thread's wait, and only those predecessors publish. The recorded order is a total order in which
/// every dependency points back, so the plan cannot deadlock.
/// </summary>
internal sealed class ParallelPlan
{
    private ParallelPlan(ThreadPlan[] threads) => Threads = threads;

    /// <summary>One plan per thread of the trace.</summary>
    public ThreadPlan[] Threads { get; }

    /// <summary>Events that wait for another thread.</summary>
    public int CrossThread => Threads.Sum(t => t.Waits.Length);

    /// <summary>A plan of as many threads in which nothing happens.</summary>
    public ParallelPlan WithoutEvents() => new(Array.ConvertAll(Threads, _ => new ThreadPlan([], [], [])));

    /// <summary>Splits <paramref name="trace"/>.</summary>
    public static ParallelPlan Build(Trace trace)
    {
        var count = Math.Max(1, (int)trace.Header.Threads);
        var events = new List<TraceEvent>[count];
        var numbers = new List<int>[count];
        var waits = new List<Dependency>[count];
        for (var t = 0; t < count; t++)
            (events[t], numbers[t], waits[t]) = ([], [], []);

        var published = new HashSet<Dependency>();
        var last = new Dependency[trace.Slots];
        Array.Fill(last, new Dependency(-1, 0));
        for (var i = 0; i < trace.Events.Length; i++)
        {
            var e = trace.Events[i];
            int thread = e.Thread;
            var previous = last[e.Id];
            last[e.Id] = new Dependency(thread, events[thread].Count);
            e.Thread = (ushort)PlanFlags.None;
            if (previous.Thread >= 0 && previous.Thread != thread)
            {
                e.Thread = (ushort)PlanFlags.Wait;
                waits[thread].Add(previous);
                published.Add(previous);
            }

            events[thread].Add(e);
            numbers[thread].Add(i);
        }

        var plans = new ThreadPlan[count];
        for (var t = 0; t < count; t++)
            plans[t] = new ThreadPlan(events[t].ToArray(), numbers[t].ToArray(), waits[t].ToArray());
        foreach (var (thread, index) in published)
            plans[thread].Events[index].Thread |= (ushort)PlanFlags.Publish;
        return new ParallelPlan(plans);
    }
}
