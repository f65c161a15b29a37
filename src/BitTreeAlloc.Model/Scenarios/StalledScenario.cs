using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// A scenario with one thread stopped for ever after its first operations: all others must finish within a bound of operations. Over all threads and all places to stop, that is lock-freedom;
/// it models a thread that dies, too.
/// </summary>
/// <param name="inner">The scenario.</param>
/// <param name="stopped">The thread that stops.</param>
/// <param name="operations">Operations it does before.</param>
public sealed class StalledScenario(Scenario inner, int stopped, int operations) : Scenario
{
    /// <summary>Operations within which the other threads have to end, unless the scenario says otherwise.</summary>
    public const int DefaultStepBound = 200;

    /// <inheritdoc/>
    public override string Name => $"{inner.Name} [thread {stopped} stopped after {operations}]";

    /// <inheritdoc/>
    public override string Claim => "the other threads finish";

    /// <inheritdoc/>
    public override int Threads => inner.Threads;

    /// <inheritdoc/>
    public override int? Bound => inner.Bound;

    /// <inheritdoc/>
    public override int StepBound => inner.StepBound == 0 ? DefaultStepBound : inner.StepBound;

    /// <inheritdoc/>
    public override void Prepare(ModelMemory memory)
    {
        inner.Prepare(memory);
        memory.StopAfter(stopped, operations);
    }

    /// <inheritdoc/>
    public override void Body(Run run, int thread) => inner.Body(run, thread);

    /// <inheritdoc/>
    public override void Check(Run run) => inner.Check(run);

    /// <inheritdoc/>
    public override void CheckStopped(Run run, int thread) => inner.CheckStopped(run, thread);
}

/// <summary>The stall test of a scenario, summed over all places to stop.</summary>
/// <param name="Scenario">Its name.</param>
/// <param name="Stops">Places at which a thread was stopped.</param>
/// <param name="Executions">Executions over all of them.</param>
/// <param name="Error">The first error, or null.</param>
/// <param name="Where">The stalled scenario that showed it.</param>
/// <param name="IsExhaustive">Whether no bound cut the search.</param>
public sealed record StallReport(string Scenario, int Stops, long Executions, ModelError? Error, string? Where, bool IsExhaustive);
