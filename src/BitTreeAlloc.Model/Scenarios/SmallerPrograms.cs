namespace BitTreeAlloc.Model.Scenarios;

/// <summary>The programs of a scenario's threads, one step smaller: without a thread, then without one operation.</summary>
internal static class SmallerPrograms
{
    /// <summary>Variants in a fixed order: a replay token names them by number.</summary>
    public static IEnumerable<T[][]> Of<T>(T[][] programs)
    {
        for (var thread = 0; thread < programs.Length && programs.Length > 1; thread++)
            yield return [.. programs.Where((_, number) => number != thread)];
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var step = 0; step < programs[thread].Length; step++)
                yield return [.. programs.Select((program, number) => number == thread ? program.Where((_, place) => place != step).ToArray() : program)];
        }
    }
}
