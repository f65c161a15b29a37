using BitTreeAlloc.Tool.Bench.Small;

namespace BitTreeAlloc.Tool.Bench.Threaded;

/// <summary>A loop over small objects that several threads run together.</summary>
internal abstract class ThreadedLoop(string name, string summary) : SmallLoop(name, summary)
{
    /// <inheritdoc/>
    public sealed override string Group => "threads";

    /// <inheritdoc/>
    public override int Threads => 2;

    /// <inheritdoc/>
    public override bool? Touched => true;
}
