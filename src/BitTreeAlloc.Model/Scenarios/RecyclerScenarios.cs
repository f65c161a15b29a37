namespace BitTreeAlloc.Model.Scenarios;

/// <summary>The recycler: the shipped stack under both forms of its head.</summary>
internal static class RecyclerScenarios
{
    private const string OneOwner = "a popped node has one owner until it is pushed, the next owner sees its writes, and every history is a stack's";
    private const string DepthHolds = "the depth is validated by the same compare-exchange, so a bound on it holds and at rest it is the number of nodes";

    public static IEnumerable<Func<Scenario>> All()
    {
        foreach (var wide in new[] { true, false })
        {
            yield return () => new StackScenario("pop-vs-pop", OneOwner, wide, 2, ulong.MaxValue, "p", "p");
            yield return () => new StackScenario("pop-vs-pop-last-node", OneOwner, wide, 1, ulong.MaxValue, "p", "p");
            yield return () => new StackScenario("pop-vs-push", OneOwner, wide, 1, ulong.MaxValue, "p", "u");
            yield return () => new StackScenario("push-vs-push", OneOwner, wide, 1, ulong.MaxValue, "u", "u");
            yield return () => new StackScenario("take-all-vs-pop", OneOwner, wide, 2, ulong.MaxValue, "t", "pp");
            yield return () => new StackScenario("take-all-vs-push", OneOwner, wide, 1, ulong.MaxValue, "t", "uu");
            yield return () => new StackScenario("take-all-vs-take-all", OneOwner, wide, 2, ulong.MaxValue, "t", "t");
            yield return () => new StackScenario("aba-1-node", "a node that comes back is not taken for the one that was seen", wide, 1, ulong.MaxValue, "pr", "pr");
            yield return () => new StackScenario("aba-2-nodes", "a node that comes back is not taken for the one that was seen", wide, 2, ulong.MaxValue, "pr", "ppr");
            yield return () => new StackScenario("aba-3-nodes", "a node that comes back with another link behind it is not taken for the one that was seen", wide, 3, ulong.MaxValue, "p", "pprr");
            yield return () => new StackScenario("aba-take-all", "a chain that was taken and came back is not taken for the one that was seen", wide, 2, ulong.MaxValue, "p", "tr");
            yield return () => new StackScenario("aba-take-all-first", "a node that comes back alone after its chain was taken is not taken for the one that was seen", wide, 2, ulong.MaxValue, "p", "tf");
            yield return () => new StackScenario("max-depth", DepthHolds, wide, 1, 2, "u", "u");
            yield return () => new StackScenario("max-depth-vs-pop", DepthHolds, wide, 2, 2, "u", "pu");
            yield return () => new StackScenario("depth-after-aba", DepthHolds, wide, 2, ulong.MaxValue, "u", "ppr");
            yield return () => new StackScenario("pop-push-3-threads", OneOwner, wide, 2, ulong.MaxValue, "pr", "pr", "pr") { Deviations = 8 };
            yield return () => new StackScenario("take-all-3-threads", OneOwner, wide, 2, ulong.MaxValue, "pr", "t", "u") { Deviations = 8 };
        }
    }
}
