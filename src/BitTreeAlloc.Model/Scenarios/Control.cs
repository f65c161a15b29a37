using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>A tiny scenario with one mistake in it, that has to be found as exactly <see cref="Expected"/>.</summary>
public sealed class Control : Scenario
{
    private readonly Action<ModelMemory> _prepare;
    private readonly Action<Run, int> _body;
    private readonly Action<Run>? _check;

    internal Control(ModelErrorKind expected, string name, int threads, Action<ModelMemory> prepare, Action<Run, int> body, Action<Run>? check = null)
    {
        Expected = expected;
        Name = $"control/{name}";
        Threads = threads;
        (_prepare, _body, _check) = (prepare, body, check);
    }

    /// <summary>The error that has to be found.</summary>
    public ModelErrorKind Expected { get; }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Claim => $"is found as {Expected}";

    /// <inheritdoc/>
    public override int Threads { get; }

    /// <inheritdoc/>
    public override int StepBound => 100;

    /// <inheritdoc/>
    public override void Prepare(ModelMemory memory) => _prepare(memory);

    /// <inheritdoc/>
    public override void Body(Run run, int thread) => _body(run, thread);

    /// <inheritdoc/>
    public override void Check(Run run) => _check?.Invoke(run);
}
