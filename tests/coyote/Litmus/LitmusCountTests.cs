using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>The litmus list under four models: counts exact, no execution twice.</summary>
public sealed class LitmusCountTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_litmus_test_has_its_executions_and_outcomes_under_every_model_and_none_twice()
    {
        var wrong = new List<string>();
        var executions = 0L;
        foreach (var program in ExpectedCounts.Programs)
        {
            foreach (var model in ExpectedCounts.Models)
            {
                var expected = ExpectedCounts.Litmus[(program.Name, model)];
                var result = LitmusRunner.Run(program, model, lookForDuplicates: true);
                executions += result.Executions;
                if ((result.Executions, result.Outcomes.Count) != expected || result.Duplicates != 0)
                    wrong.Add($"{program.Name} {model}: {result.Executions}/{result.Outcomes.Count}, {result.Duplicates} twice; expected {expected}");
            }
        }

        output.WriteLine($"{ExpectedCounts.Litmus.Count} litmus counts checked, {executions} executions, none twice");
        Assert.Empty(wrong);
        Assert.Equal(71, ExpectedCounts.Programs.Length);
        Assert.Equal(284, ExpectedCounts.Litmus.Count);
    }
}
