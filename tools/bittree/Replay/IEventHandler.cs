using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>What a run does at each event. A struct used as a type parameter, so that the loop around it is compiled for it.</summary>
internal interface IEventHandler
{
    /// <summary>Does event <paramref name="e"/>, the <paramref name="index"/>-th of the handler's thread.</summary>
    void Handle(in TraceEvent e, int index);
}
