namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>A sequence of steps for one setup. Prints as C# against the public API.</summary>
internal sealed class AllocatorProgram(Setup setup, Step[] steps)
{
    public Setup Setup { get; } = setup;

    public Step[] Steps { get; } = steps;

    /// <summary>The same program without the steps that use a block that no earlier step makes, or that was freed.</summary>
    public AllocatorProgram Repaired()
    {
        var live = new HashSet<int>();
        var kept = new List<Step>(Steps.Length);
        foreach (var step in Steps)
        {
            if (step.Makes)
                live.Add(step.Block);
            else if (step.Uses && !live.Contains(step.Block))
                continue;
            else if (step.Frees)
                live.Remove(step.Block);
            kept.Add(step);
        }

        return new AllocatorProgram(Setup, [.. kept]);
    }

    /// <summary>The blocks that no step frees.</summary>
    public IEnumerable<int> LiveAtEnd() => Steps.Where(step => step.Makes).Select(step => step.Block).Except(Steps.Where(step => step.Frees).Select(step => step.Block));

    public override string ToString() => ProgramText.Print(this);
}
