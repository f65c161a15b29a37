using System.Collections.Concurrent;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>Random programs: the engine and the slow enumerator agree on executions and outcomes under four models, and the engine builds nothing twice.</summary>
public sealed class DifferentialFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void The_engine_agrees_with_the_enumerator_on_random_programs_under_every_model()
    {
        var failures = new ConcurrentBag<string>();
        var programs = Knobs.FuzzPrograms;
        var seed = Knobs.FuzzSeed;
        Parallel.For(0, programs, new ParallelOptions { MaxDegreeOfParallelism = 2 }, number =>
        {
            if (failures.Count < 5 && Differential.Compare(RandomProgram.Of(seed + (ulong)number)) != null)
            {
                var shrunk = Differential.Shrink(RandomProgram.Of(seed + (ulong)number));
                failures.Add($"{LitmusText.Of(shrunk)}   # {Differential.Compare(shrunk)}; replay with BITTREE_FUZZ=1 BITTREE_FUZZ_SEED={seed + (ulong)number}");
            }
        });
        output.WriteLine($"{programs} random programs from seed {seed} on, four models, {failures.Count} differences");
        Assert.Empty(failures);
    }

    [Fact]
    public void The_enumerator_alone_has_the_expected_counts_of_the_litmus_list()
    {
        foreach (var program in ExpectedCounts.Programs)
        {
            var results = Enumerator.Run(program);
            for (var model = 0; model < results.Length; model++)
                Assert.Equal(ExpectedCounts.Litmus[(program.Name, Enumerator.Models[model])], (results[model].Executions, results[model].Outcomes.Count));
        }
    }

    [Fact]
    public void A_seed_gives_the_same_program_again_and_its_line_parses_to_it()
    {
        for (var seed = 1ul; seed < 200; seed++)
        {
            var line = LitmusText.Of(RandomProgram.Of(seed));
            Assert.Equal(line, LitmusText.Of(RandomProgram.Of(seed)));
            Assert.Equal(line, LitmusText.Of(LitmusProgram.Parse(line)));
        }
    }
}
