using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>A scenario that can be had smaller: reports try to show an error on as little as possible.</summary>
public interface IShrinkable
{
    /// <summary>
    /// Variants one step smaller, in the order in which to try them: without a thread, without an operation, with a lower argument. Always the same ones in the same order, because a replay token
    /// names them by number.
    /// </summary>
    IEnumerable<Scenario> Smaller();
}

/// <summary>A scenario that knows how its words read.</summary>
public interface IWordDecoder
{
    /// <summary>Text of a value of the named location, or null for the usual text. <paramref name="high"/> is 0 but for 16-byte words.</summary>
    string? Decode(string location, ulong low, ulong high);
}

/// <summary>A scenario that is meant to need weak memory: it is flagged when every one of its executions is a plain interleaving.</summary>
public interface IWeakMemoryScenario
{
    /// <summary>Whether some execution should be beyond any interleaving.</summary>
    bool ExpectsWeakExecutions { get; }
}
