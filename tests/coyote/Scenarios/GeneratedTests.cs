using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

public sealed class GeneratedTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_history_of_two_threads_on_the_stack_is_linearizable() => Explore("stack", Generated.Stacks(), 1260);

    [Fact]
    public void Every_history_of_two_threads_on_the_tree_is_linearizable() => Explore("tree", Generated.Trees(), 513);

    [Fact]
    public void Every_history_of_two_threads_on_the_pool_of_blocks_is_linearizable() => Explore("pool", Generated.Pools(), 105);

    private void Explore(string what, IEnumerable<Scenario> scenarios, int expected)
    {
        var count = 0;
        var bounded = 0;
        var executions = 0L;
        foreach (var scenario in scenarios)
        {
            var report = GraphExplorer.Explore(scenario);
            Assert.True(report.Result.Error == null, $"{scenario.Name}: {report.Result.Error?.Kind}: {report.Result.Error?.Text}");
            Assert.True(report.Result.IsExhaustive || scenario.Bound >= 3);
            count++;
            bounded += report.Result.IsExhaustive ? 0 : 1;
            executions += report.Result.Executions;
        }

        output.WriteLine($"{what}: {count} scenarios, {count - bounded} exhaustive, {executions} executions");
        Assert.Equal(expected, count);
    }
}
