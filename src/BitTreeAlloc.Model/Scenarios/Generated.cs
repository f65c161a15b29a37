namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Every scenario of two threads with at most two operations each over an operation alphabet, with 0 to 2 things in stock, modulo the symmetry of the threads: generated, not picked by hand.
/// Every execution's history is checked for linearizability.
/// </summary>
public static class Generated
{
    /// <summary>Push a fresh node, pop, push back what was popped, take all; both forms of the head.</summary>
    public static IEnumerable<Scenario> Stacks()
    {
        foreach (var wide in new[] { true, false })
        {
            foreach (var (first, second) in Pairs("uprt"))
            {
                for (var stock = 0; stock <= 2; stock++)
                    yield return new StackScenario($"generated-{first}-{second}-{stock}", "every history is a stack's", wide, stock, ulong.MaxValue, first, second);
            }
        }
    }

    /// <summary>Set one of two blocks of one's own, pick, set back what was picked; three levels and the summary. The first blocks of the threads share a leaf word.</summary>
    public static IEnumerable<Scenario> Trees()
    {
        foreach (var (first, second) in Pairs("abpr"))
        {
            if (first == "aa" || first == "bb" || second == "aa" || second == "bb")
                continue;
            for (var stock = 0; stock <= 2; stock++)
            {
                int[] set = stock switch { 0 => [], 1 => [4], _ => [4, 6] };
                yield return new TreeScenario<EightBlockTrees>($"generated-{first}-{second}-{stock}", "every history is a set's", 8, set, Steps(first, 0), Steps(second, 1));
            }
        }
    }

    /// <summary>Take a slot, give one; one block of two slots.</summary>
    public static IEnumerable<Scenario> Pools()
    {
        BlockStart[] starts = [BlockStart.Used(1, 2), BlockStart.Used(1, 0), BlockStart.Used(0, 2), BlockStart.Used(0, 0), BlockStart.Used(0)];
        foreach (var (first, second) in Pairs("tg"))
        {
            for (var start = 0; start < starts.Length; start++)
            {
                yield return new BlockScenario($"generated-{first}-{second}-{start}", "every history is a pool's", [starts[start]], Blocks(first), Blocks(second))
                {
                    IsPool = true,
                    Deviations = first.Length + second.Length > 3 ? 10 : null,
                };
            }
        }
    }

    private static int[] Steps(string program, int thread) =>
        [.. program.Select(letter => letter switch { 'a' => thread, 'b' => 2 + thread, 'p' => TreeStep.Pick, _ => TreeStep.SetBack })];

    private static BlockStep[] Blocks(string program) => [.. program.Select(letter => letter == 't' ? BlockStep.TakeOne : BlockStep.Give)];

    private static IEnumerable<(string First, string Second)> Pairs(string alphabet)
    {
        List<string> programs = [.. alphabet.Select(letter => letter.ToString())];
        programs.AddRange(from first in alphabet from second in alphabet select $"{first}{second}");
        for (var first = 0; first < programs.Count; first++)
        {
            for (var second = first; second < programs.Count; second++)
                yield return (programs[first], programs[second]);
        }
    }
}
