namespace BitTreeAlloc.Tool.Replay;

/// <summary>How a trace is replayed.</summary>
internal enum ReplayMode
{
    /// <summary>All events on one thread, in the recorded order.</summary>
    Serial,

    /// <summary>The trace's threads as threads; each event waits for those it depends on.</summary>
    Parallel,
}
