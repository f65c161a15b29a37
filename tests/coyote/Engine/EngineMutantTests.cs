using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;
using BitTreeAlloc.Tests.Explorer.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Engine;

/// <summary>Bugs planted into the engine: the litmus counts, the published counts or a bounded fuzz must notice every one. There is no equivalent among them.</summary>
public sealed class EngineMutantTests(ITestOutputHelper output)
{
    /// <summary>Random programs for a mutant; a tenth of them where the counts have caught it already.</summary>
    private const int FuzzPrograms = 20_000;

    /// <summary>Families up to this size; the larger tell nothing more and take a mutant that explodes too long.</summary>
    private const int LargestFamily = 3_000;

    [Fact]
    public void Every_planted_bug_of_the_engine_is_caught()
    {
        var mutants = Enum.GetValues<EngineMutant>().Where(mutant => mutant != EngineMutant.None).ToArray();
        var rows = new string[mutants.Length];
        var survivors = new bool[mutants.Length];
        Parallel.For(0, mutants.Length, new ParallelOptions { MaxDegreeOfParallelism = 2 }, number =>
        {
            var (litmus, of) = CaughtByLitmus(mutants[number]);
            var family = CaughtByFamily(mutants[number]);
            var fuzz = CaughtByFuzz(mutants[number], litmus == null && family == null ? FuzzPrograms : FuzzPrograms / 10);
            survivors[number] = litmus == null && family == null && fuzz == null;
            rows[number] = $"{mutants[number],-24} litmus {(litmus == null ? "-" : $"{of} tests, first {litmus}"),-44} families {family ?? "-",-22} fuzz {fuzz ?? "-"}";
        });
        foreach (var row in rows)
            output.WriteLine(row);
        output.WriteLine($"{mutants.Length} planted bugs, {survivors.Count(survived => survived)} not caught");
        Assert.True(mutants.Length >= 25);
        Assert.DoesNotContain(true, survivors);
    }

    private static (string? First, int Caught) CaughtByLitmus(EngineMutant mutant)
    {
        string? first = null;
        var caught = 0;
        foreach (var program in ExpectedCounts.Programs)
        {
            foreach (var model in ExpectedCounts.Models)
            {
                var expected = ExpectedCounts.Litmus[(program.Name, model)];
                if (Counts(program, model, mutant, 10 * expected.Executions) == expected)
                    continue;
                caught++;
                first ??= $"{program.Name} {model}";
            }
        }

        return (first, caught);
    }

    private static string? CaughtByFamily(EngineMutant mutant)
    {
        foreach (var (family, size, rc11, sc) in ExpectedCounts.Families)
        {
            if (rc11 > LargestFamily)
                continue;
            foreach (var (model, expected) in ((MemoryModel, long)[])[(MemoryModel.Rc11, rc11), (MemoryModel.Sc, sc)])
            {
                var (result, _) = Families.Of(family, size).Run(model, mutant: mutant, maxExecutions: 10 * expected);
                if (result.Executions != expected || result.Error != null)
                    return $"{family}({size}) {model}";
            }
        }

        return null;
    }

    private static string? CaughtByFuzz(EngineMutant mutant, int programs)
    {
        for (var seed = 1ul; seed <= (ulong)programs; seed++)
        {
            if (Differential.Compare(RandomProgram.Of(seed), mutant) != null)
                return $"seed {seed}";
        }

        return null;
    }

    private static (long Executions, int Outcomes) Counts(LitmusProgram program, MemoryModel model, EngineMutant mutant, long most)
    {
        try
        {
            var result = LitmusRunner.Run(program, model, mutant: mutant, maxExecutions: most);
            return (result.Executions, result.Outcomes.Count);
        }
        catch (ModelErrorException)
        {
            return (-1, -1);
        }
    }
}
