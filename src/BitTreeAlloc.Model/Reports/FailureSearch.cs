using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Looks through a scenario's executions without ending at the first error, and keeps the failing one of least rank.</summary>
internal sealed class FailureSearch(Scenario scenario, ExploreOptions options, ShrinkLimits limits)
{
    private long _executions;
    private int _failures;

    public sealed record Failure(FailureReport Report, ExecutionShape[] Shapes);

    /// <summary>The failing execution of least rank so far.</summary>
    public Failure? Best { get; private set; }

    /// <summary>One pass under a deviation bound: whether it saw everything, and whether the limits are spent.</summary>
    public (bool Exhaustive, bool Spent) Run(int bound)
    {
        using var session = new GraphSession(scenario, options, bound);
        var engine = session.Engine;
        engine.AtError = () => Keep(session);
        engine.BeginSearch();
        while (engine.WorkCount > 0)
        {
            engine.Step(engine.WorkCount - 1, session.Bodies);
            engine.Result.Error = null;
            if (++_executions > limits.ExecutionsForChoice || _failures >= limits.FailuresCompared)
                return (false, true);
        }

        return (engine.Result.IsExhaustive, false);
    }

    /// <summary>The first failing execution, whatever it costs; whether there is one.</summary>
    public bool RunWithoutLimit(int bound)
    {
        using var session = new GraphSession(scenario, options, bound);
        session.Engine.MaxExecutions = options.MaxExecutions;
        session.Engine.AtError = () => Keep(session);
        session.Engine.Explore(session.Bodies);
        return Best != null;
    }

    private void Keep(GraphSession session)
    {
        _failures++;
        var report = new FailureReport(ExecutionTrace.Of(session))
        {
            Scenario = scenario.Name,
            Model = options.Model,
            Error = session.Engine.Result.Error!,
            GraphHash = GraphHash.Of(session.Engine.Current, scenario.Threads, session.Engine.Locations),
        };
        if (Best != null && report.Line.Rank.CompareTo(Best.Report.Line.Rank) >= 0)
            return;
        ref readonly var graph = ref session.Engine.Current;
        Best = new Failure(report, [ExecutionShape.Of(graph, scenario.Threads), ExecutionShape.Of(graph, scenario.Threads, report.Error.Thread)]);
    }
}
