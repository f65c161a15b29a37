using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>A trace made ready for one mode: the parallel plan where needed, and a table of the live pointers by slot id.</summary>
internal sealed unsafe class Workload
{
    private readonly nint[] _slots;

    /// <summary>Prepares <paramref name="trace"/> for <paramref name="mode"/>.</summary>
    public Workload(Trace trace, ReplayMode mode)
    {
        Trace = trace;
        Mode = mode;
        Plan = mode == ReplayMode.Parallel ? ParallelPlan.Build(trace) : null;

        // Pinned on the GC heap and written once: a table from NativeMemory would sit in the heap that one of the contenders is.
        _slots = GC.AllocateArray<nint>(Math.Max(1, trace.Slots), pinned: true);
        _slots.AsSpan().Fill(-1);
        _slots.AsSpan().Clear();
    }

    /// <summary>The trace.</summary>
    public Trace Trace { get; }

    /// <summary>The mode.</summary>
    public ReplayMode Mode { get; }

    /// <summary>The split by thread, in parallel mode.</summary>
    public ParallelPlan? Plan { get; }

    /// <summary>Adapters a run needs: one per thread.</summary>
    public int Threads => Plan?.Threads.Length ?? 1;

    /// <summary>Live pointers by slot id.</summary>
    public void** Slots => (void**)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _slots[0]);
}
