using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>Counts that were published elsewhere: RC11 and SC, exact, no execution twice, none blocked.</summary>
public sealed class FamilyCountTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_published_count_is_reproduced_under_rc11_and_sc_and_no_execution_is_built_twice()
    {
        var wrong = new List<string>();
        var executions = 0L;
        foreach (var (family, size, rc11, sc) in ExpectedCounts.Families)
        {
            foreach (var (model, expected) in ((MemoryModel, long)[])[(MemoryModel.Rc11, rc11), (MemoryModel.Sc, sc)])
            {
                var program = BitTreeAlloc.Model.Litmus.Families.Of(family, size);
                var (result, duplicates) = program.Run(model, lookForDuplicates: true);
                executions += result.Executions;
                if (result.Executions != expected || duplicates != 0 || result.Blocked != 0 || result.Error != null || !result.IsExhaustive)
                    wrong.Add($"{program.Name} {model}: {result.Executions}, {duplicates} twice, {result.Blocked} blocked, {result.Error?.Text}; expected {expected}");
            }
        }

        output.WriteLine($"{2 * ExpectedCounts.Families.Length} published counts checked, {executions} executions, none twice");
        Assert.Empty(wrong);
        Assert.Equal(54, ExpectedCounts.Families.Length);
    }
}
