using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>Compares the engine with the enumerator on one program, and makes a program smaller while they still differ.</summary>
internal static class Differential
{
    /// <summary>What differs, in one line; null where all models agree on executions and outcomes and nothing was built twice.</summary>
    public static string? Compare(LitmusProgram program, EngineMutant mutant = EngineMutant.None)
    {
        var expected = Enumerator.Run(program);
        for (var index = 0; index < Enumerator.Models.Length; index++)
        {
            var model = Enumerator.Models[index];
            var (executions, outcomes) = expected[index];
            try
            {
                var result = LitmusRunner.Run(program, model, lookForDuplicates: true, mutant, (10 * executions) + 100);
                if (result.Executions != executions || result.Duplicates != 0 || !outcomes.SetEquals(result.Outcomes))
                    return $"{model}: engine {result.Executions}/{result.Outcomes.Count}, {result.Duplicates} twice; enumerator {executions}/{outcomes.Count}";
            }
            catch (ModelErrorException error)
            {
                return $"{model}: {error.Message}";
            }
        }

        return null;
    }

    /// <summary>Takes away threads, then operations, as long as engine and enumerator differ.</summary>
    public static LitmusProgram Shrink(LitmusProgram program, EngineMutant mutant = EngineMutant.None)
    {
        for (var shrunk = true; shrunk;)
        {
            shrunk = false;
            foreach (var smaller in SmallerThan(program))
            {
                if (Compare(smaller, mutant) == null)
                    continue;
                program = smaller;
                shrunk = true;
                break;
            }
        }

        return program;
    }

    private static IEnumerable<LitmusProgram> SmallerThan(LitmusProgram program)
    {
        for (var thread = 0; thread < program.Threads.Count && program.Threads.Count > 1; thread++)
            yield return LitmusText.Normalise(program.Name, program.Locations, [.. program.Threads.Where((_, number) => number != thread)]);
        for (var thread = 0; thread < program.Threads.Count; thread++)
        {
            for (var operation = 0; operation < program.Threads[thread].Count && program.Threads[thread].Count > 1; operation++)
            {
                var threads = program.Threads.ToArray();
                threads[thread] = [.. threads[thread].Where((_, number) => number != operation)];
                yield return LitmusText.Normalise(program.Name, program.Locations, threads);
            }
        }
    }
}
