using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>
/// Topological order of steps with the fewest changes of thread. To run a thread as far as it can go is never worse than to stop before: a step that was run only enables more. So the search is
/// breadth-first over states (how far each thread came, who ran last), one layer per change of thread.
/// </summary>
internal static class FewestSwitches
{
    /// <summary>The order, or null where the steps that must come before each other have a cycle.</summary>
    public static int[]? Order(ExecutionTrace trace, List<int>[] before, int mostStates)
    {
        var starts = StartsOf(trace);
        var needs = NeedsOf(trace, before);
        var layer = new List<State>();
        var seen = new HashSet<(ulong, int)>();
        for (var thread = 0; thread < trace.Threads; thread++)
            Extend(trace, starts, needs, new State(0, -1, null), thread, layer, seen);
        var goal = GoalOf(trace, starts);
        if (goal == 0)
            return [];
        while (layer.Count > 0)
        {
            if (layer.Find(state => state.Reached == goal) is { } end)
                return Unroll(end, starts);
            var next = new List<State>();
            foreach (var state in layer)
            {
                for (var thread = 0; thread < trace.Threads; thread++)
                {
                    if (thread != state.Thread)
                        Extend(trace, starts, needs, state, thread, next, seen);
                }

                if (seen.Count > mostStates && next.Count > 0)
                {
                    // Too wide for a full search: keep the state that came farthest.
                    next = [next.MaxBy(candidate => SumOf(candidate.Reached))!];
                    break;
                }
            }

            layer = next;
        }

        return null;
    }

    private static void Extend(ExecutionTrace trace, int[] starts, ulong[] needs, State from, int thread, List<State> into, HashSet<(ulong, int)> seen)
    {
        var reached = from.Reached;
        for (; ; )
        {
            var count = Views.Count(reached, thread);
            var number = starts[thread] + count;
            if (number >= starts[thread + 1] || Views.Join(reached, needs[number]) != reached)
                break;
            reached = Views.With(reached, thread, count + 1);
        }

        if (reached != from.Reached && seen.Add((reached, thread)))
            into.Add(new State(reached, thread, from));
    }

    private static int[] Unroll(State end, int[] starts)
    {
        var runs = new Stack<State>();
        for (var state = end; state.Before != null; state = state.Before)
            runs.Push(state);
        var order = new List<int>();
        foreach (var run in runs)
        {
            for (var index = Views.Count(run.Before!.Reached, run.Thread); index < Views.Count(run.Reached, run.Thread); index++)
                order.Add(starts[run.Thread] + index);
        }

        return [.. order];
    }

    private static int[] StartsOf(ExecutionTrace trace)
    {
        var starts = new int[trace.Threads + 1];
        foreach (var step in trace.Steps)
            starts[step.Thread + 1]++;
        for (var thread = 0; thread < trace.Threads; thread++)
            starts[thread + 1] += starts[thread];
        return starts;
    }

    private static ulong[] NeedsOf(ExecutionTrace trace, List<int>[] before)
    {
        var needs = new ulong[before.Length];
        for (var number = 0; number < needs.Length; number++)
        {
            foreach (var earlier in before[number])
            {
                var step = trace.Steps[earlier];
                needs[number] = Views.Join(needs[number], Views.With(0, step.Thread, step.Index + 1));
            }
        }

        return needs;
    }

    private static ulong GoalOf(ExecutionTrace trace, int[] starts)
    {
        ulong goal = 0;
        for (var thread = 0; thread < trace.Threads; thread++)
            goal = Views.With(goal, thread, starts[thread + 1] - starts[thread]);
        return goal;
    }

    private static int SumOf(ulong reached)
    {
        var sum = 0;
        for (var thread = 0; thread < Views.MaxThreads; thread++)
            sum += Views.Count(reached, thread);
        return sum;
    }

    private sealed record State(ulong Reached, int Thread, State? Before);
}
