using static BitTreeAlloc.Model.Scenarios.TreeStep;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>The bit-tree on geometries small enough to exhaust.</summary>
internal static class TreeScenarios
{
    private const string OneTaker = "a block is picked by one, the picker sees what the setter wrote, and at rest each set leaf has its parents set";
    private const string NoneLost = "a parent that is cleared beside a set is set again";

    public static IEnumerable<Func<Scenario>> All()
    {
        yield return () => new TreeScenario<FourBlockTrees>("set-vs-pick", OneTaker, 4, [], [0], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("set-vs-pick-of-another", NoneLost, 4, [0], [1], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("set-vs-set-one-word", OneTaker, 4, [], [0], [1]);
        yield return () => new TreeScenario<FourBlockTrees>("set-vs-set-two-words", OneTaker, 4, [], [0], [2]);
        yield return () => new TreeScenario<FourBlockTrees>("pick-vs-pick", OneTaker, 4, [0, 1], [Pick], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("pick-vs-pick-last-block", OneTaker, 4, [3], [Pick], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("pick-vs-pick-two-words", OneTaker, 4, [1, 2], [Pick], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("set-pick-vs-set-pick", OneTaker, 4, [], [0, Pick], [2, Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("pick-set-back-vs-pick-set-back", OneTaker, 4, [0], [Pick, SetBack], [Pick, SetBack]);
        yield return () => new TreeScenario<FourBlockTrees>("pick-vs-pick-set-back", NoneLost, 4, [0], [Pick], [Pick, SetBack]);
        yield return () => new TreeScenario<FourBlockTrees>("clear-vs-set-middle", NoneLost, 4, [0], [Pick], [2]);
        yield return () => new TreeScenario<EightBlockTrees>("clear-vs-set-top", NoneLost, 8, [0], [Pick], [4]);
        yield return () => new TreeScenario<FourBlockTrees>("clear-vs-set-summary", NoneLost, 8, [0], [Pick], [4]);
        yield return () => new TreeScenario<FourBlockTrees>("clear-vs-two-sets", NoneLost, 4, [0], [Pick], [1, 2]);
        yield return () => new TreeScenario<FourBlockTrees>("two-clears-vs-set", NoneLost, 4, [0, 2], [Pick, Pick], [1]);
        yield return () => new TreeScenario<FourBlockTrees>("chain-pick-vs-pick", "a picker that finds one tree empty goes on to the next", 8, [1, 6], [Pick], [Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("chain-set-vs-picks", "a picker that finds one tree empty goes on to the next", 8, [7], [0], [Pick, Pick]);
        yield return () => new TreeScenario<FourBlockTrees>("set-then-find", "who set a block finds one, whoever else is half-way through a set", 4, [], [0], [1, MustPick]);
        yield return () => new TreeScenario<FourBlockTrees>("set-then-find-other-word", "who set a block finds one, whoever else is half-way through a set", 4, [], [0], [2, MustPick]);
        yield return () => new TreeScenario<FourBlockTrees>("sweep-repairs", "a leaf whose setter stopped is found after a sweep", 4, [], [0], [Sweep, MustPick]) { Orphans = [3] };
        yield return () => new TreeScenario<FourBlockTrees>("sweep-vs-pick", "a sweep beside a pick sets no parent for good that it should not lose", 4, [], [Sweep], [Pick, SetBack]) { Orphans = [0, 2] };
        yield return () => new TreeScenario<FourBlockTrees>("set-pick-3-threads", OneTaker, 4, [0], [Pick, SetBack], [1], [Pick]) { Deviations = 8 };
        yield return () => new TreeScenario<FourBlockTrees>("pick-3-threads", OneTaker, 4, [0, 2], [Pick], [Pick], [Pick]) { Deviations = 8 };
    }
}
