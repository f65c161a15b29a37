namespace BitTreeAlloc.Model.Engine;

/// <summary>An engine that runs threads side by side and switches between them at operations: it keeps the seam's state of a thread while others run.</summary>
internal interface IInterleavingEngine
{
    /// <summary>The running thread waits for another: others go first.</summary>
    void Yield();
}
