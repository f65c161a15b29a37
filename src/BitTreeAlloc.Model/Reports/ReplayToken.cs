using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Reports;

/// <summary>
/// A text of about 60 characters that stands for one execution of a scenario: the graph, not a schedule, so that it holds for a later engine too.
/// Version, scenario hash, model, planted weakness, the steps by which the scenario was shrunk, then per thread its events and decisions.
/// </summary>
internal sealed record ReplayToken
{
    /// <summary>What the numbers in a token mean; changed when their meaning changes.</summary>
    public const int EngineVersion = 1;

    private const uint HashMask = 0xFFFFFF;

    /// <summary>24 bits of a hash of the scenario's name.</summary>
    public required uint ScenarioHash { get; init; }

    public required MemoryModel Model { get; init; }

    public SiteWeakening Weakening { get; init; }

    /// <summary>Which of the smaller variants was taken, at each step of the shrinking.</summary>
    public IReadOnlyList<int> ShrinkPath { get; init; } = [];

    /// <summary>The thread that meets the error: it goes on first.</summary>
    public int FailingThread { get; init; }

    public required ExecutionShape Shape { get; init; }

    public static uint HashOf(string scenario)
    {
        var hash = 2166136261u;
        foreach (var letter in scenario)
            hash = (hash ^ letter) * 16777619;
        return (hash ^ (hash >> 24)) & HashMask;
    }

    public override string ToString()
    {
        var writer = new NibbleWriter();
        writer.Add(EngineVersion);
        writer.Add(ScenarioHash);
        writer.Add((uint)Model);
        writer.Add((uint)Weakening.Kind);
        if (Weakening.Kind != WeakeningKind.None)
            writer.Add((uint)Weakening.Site);
        writer.Add((uint)ShrinkPath.Count);
        foreach (var step in ShrinkPath)
            writer.Add((uint)step);
        writer.Add((uint)Shape.Threads.Length);
        writer.Add((uint)FailingThread);
        foreach (var thread in Shape.Threads)
        {
            writer.Add((uint)thread.Events);
            writer.Add((uint)thread.Decisions.Length);
            foreach (var decision in thread.Decisions)
                writer.Add((uint)decision);
        }

        return writer.ToString();
    }

    /// <exception cref="FormatException">The text is no token of this engine; the message says why.</exception>
    public static ReplayToken Parse(string text)
    {
        try
        {
            return Read(new NibbleReader(text));
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{text}' is no replay token: {e.Message}", e);
        }
    }

    private static ReplayToken Read(NibbleReader reader)
    {
        var version = reader.Take();
        if (version != EngineVersion)
            throw new FormatException($"it is of engine version {version}; this is version {EngineVersion}");
        var hash = reader.Take();
        var model = (MemoryModel)reader.Take((int)MemoryModel.Sc);
        var kind = (WeakeningKind)reader.Take((int)WeakeningKind.Dropped);
        var weakening = kind == WeakeningKind.None ? default : new SiteWeakening((Site)reader.Take(ushort.MaxValue), kind);
        var path = new int[reader.Take(255)];
        for (var step = 0; step < path.Length; step++)
            path[step] = reader.Take(ushort.MaxValue);
        var threads = new ThreadShape[reader.Take(Views.MaxThreads)];
        var failing = reader.Take(Views.MaxThreads - 1);
        for (var thread = 0; thread < threads.Length; thread++)
        {
            var events = reader.Take(Views.MaxEvents);
            var decisions = new int[reader.Take(Views.MaxEvents)];
            for (var index = 0; index < decisions.Length; index++)
                decisions[index] = reader.Take(int.MaxValue);
            threads[thread] = new ThreadShape(events, decisions);
        }

        if (!reader.IsAtEnd)
            throw new FormatException("something is left over behind its end");
        return new ReplayToken { ScenarioHash = hash, Model = model, Weakening = weakening, ShrinkPath = path, FailingThread = failing, Shape = new ExecutionShape(threads) };
    }
}
