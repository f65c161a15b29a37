using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>A loop over small objects.</summary>
internal abstract class SmallLoop(string name, string summary) : TimedLoop
{
    private const int Rounds = 15;

    /// <inheritdoc/>
    public sealed override string Name { get; } = name;

    /// <inheritdoc/>
    public override string Group => "small";

    /// <inheritdoc/>
    public sealed override string Summary { get; } = summary;

    /// <inheritdoc/>
    public override int Threads => 1;

    /// <inheritdoc/>
    public override Abilities Needs => Abilities.Small;

    /// <summary>More rounds than of long loops: differences are smaller here, and rounds are cheap.</summary>
    public override int DefaultRounds => Rounds;

    /// <inheritdoc/>
    public override int MemoryStep => Granule;

    /// <inheritdoc/>
    public override long MemoryOperations => 16L * Granule;
}
