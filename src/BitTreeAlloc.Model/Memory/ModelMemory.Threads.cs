namespace BitTreeAlloc.Model.Memory;

/// <summary>What the seam knows about the running thread, taken out and put back by engines that switch threads within an operation.</summary>
public sealed partial class ModelMemory
{
    /// <summary>The state to put back when this thread goes on.</summary>
    internal ThreadState SaveThread() => new(Thread, Steps, _hintedAt, _hints, _wrote, _residentSeen);

    /// <summary>The thread goes on.</summary>
    internal void RestoreThread(in ThreadState state) => (Thread, Steps, _hintedAt, _hints, _wrote, _residentSeen) =
        (state.Thread, state.Steps, state.HintedAt, state.Hints, state.Wrote, state.ResidentSeen);

    internal readonly record struct ThreadState(int Thread, int Steps, int HintedAt, int Hints, bool Wrote, ulong ResidentSeen);
}
