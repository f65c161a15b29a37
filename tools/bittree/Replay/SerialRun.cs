using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>All events on the calling thread.</summary>
internal static class SerialRun
{
    /// <summary>
    /// Events per call of the loop. A trace takes more than a hundred calls, which carries the loop through the runtime's tiers during the
    /// warm-up; one long call would stay in code compiled for the first tier and replaced on the stack.
    /// </summary>
    public const int Segment = 16 * 1024;

    /// <summary>Handles every event; returns the ticks of <see cref="Stopwatch"/> it took.</summary>
    public static long Execute<THandler>(ref THandler handler, TraceEvent[] events)
        where THandler : struct, IEventHandler
    {
        var start = Stopwatch.GetTimestamp();
        var from = 0;
        do
        {
            Loop(ref handler, events, from, Math.Min(from + Segment, events.Length));
            from += Segment;
        }
        while (from < events.Length);
        return Stopwatch.GetTimestamp() - start;
    }

    private static void Loop<THandler>(ref THandler handler, TraceEvent[] events, int from, int to)
        where THandler : struct, IEventHandler
    {
        ref var first = ref MemoryMarshal.GetArrayDataReference(events);
        for (var i = from; i < to; i++)
            handler.Handle(in Unsafe.Add(ref first, i), i);
    }
}
