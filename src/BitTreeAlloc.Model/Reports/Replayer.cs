using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Builds the execution of a replay token again, and shows it.</summary>
public static class Replayer
{
    /// <summary>Replays a token of the scenario.</summary>
    /// <returns>The report, or null where the execution is without error.</returns>
    /// <exception cref="FormatException">The token is none, is of another scenario, or the code has changed since it was made.</exception>
    public static FailureReport? Replay(Scenario scenario, string token)
    {
        var parsed = ReplayToken.Parse(token);
        if (parsed.ScenarioHash != ReplayToken.HashOf(scenario.Name))
            throw new FormatException($"the token is of another scenario than {scenario.Name}");
        return Replay(scenario, parsed);
    }

    /// <summary>Whether the token was made from the scenario of that name.</summary>
    public static bool IsOf(string scenario, string token) => ReplayToken.Parse(token).ScenarioHash == ReplayToken.HashOf(scenario);

    internal static FailureReport? Replay(Scenario original, ReplayToken token)
    {
        var scenario = Follow(original, token.ShrinkPath);
        if (token.Shape.Threads.Length != scenario.Threads)
            throw new FormatException($"the token has {token.Shape.Threads.Length} threads; {scenario.Name} has {scenario.Threads}");
        if (token.FailingThread >= scenario.Threads)
            throw new FormatException($"the token names thread {token.FailingThread}; {scenario.Name} has {scenario.Threads}");
        using var session = new GraphSession(scenario, new ExploreOptions { Model = token.Model, Weakening = token.Weakening });
        FailureReport? report = null;
        session.Engine.AtError = () => report = Capture(session, token);
        if (!Rebuild(session, token.Shape))
            throw new FormatException($"the token does not fit {scenario.Name}: the code has changed since it was made");
        session.Engine.Finish(session.Bodies, token.FailingThread);
        return report;
    }

    /// <summary>Rebuilds a shape as the session's current graph.</summary>
    internal static bool Rebuild(GraphSession session, ExecutionShape shape)
    {
        var driver = new GraphEngine.Driver(session.Engine);
        session.Memory.Engine = driver;
        try
        {
            return session.Engine.Rebuild(shape, driver, session.Bodies);
        }
        finally
        {
            session.Memory.Engine = session.Engine;
        }
    }

    /// <summary>
    /// The token that brings back the same error. An error that shows only while its event is added (a race) needs a graph without that event. Null where neither form brings it back.
    /// </summary>
    internal static ReplayToken? Verified(Scenario original, ReplayToken token, ModelError error, IReadOnlyList<ExecutionShape> shapes)
    {
        foreach (var shape in shapes)
        {
            var candidate = token with { Shape = shape };
            try
            {
                if (Replay(original, candidate) is { } report && report.Error.Kind == error.Kind && report.Error.Text == error.Text && report.Error.Thread == error.Thread)
                    return candidate;
            }
            catch (FormatException)
            {
                // The next form.
            }
        }

        return null;
    }

    internal static Scenario Follow(Scenario scenario, IReadOnlyList<int> path)
    {
        foreach (var step in path)
            scenario = (scenario as IShrinkable)?.Smaller().ElementAtOrDefault(step) ?? throw new FormatException($"the token names a smaller form of {scenario.Name} that does not exist");
        return scenario;
    }

    private static FailureReport Capture(GraphSession session, ReplayToken token) => new(ExecutionTrace.Of(session))
    {
        Scenario = session.Scenario.Name,
        Model = token.Model,
        Error = session.Engine.Result.Error!,
        Token = token.ToString(),
        GraphHash = GraphHash.Of(session.Engine.Current, session.Scenario.Threads, session.Engine.Locations),
    };
}
