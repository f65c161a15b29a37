namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Smaller programs that may fail in the same way: first without runs of steps, then with simpler steps. Removing the maker of a block removes its uses.</summary>
internal static class ProgramShrinker
{
    public static IEnumerable<AllocatorProgram> Shrink(AllocatorProgram program)
    {
        var steps = program.Steps;
        for (var run = steps.Length; run >= 1; run /= 2)
            for (var start = 0; start < steps.Length; start += run)
                yield return With(program, [.. steps[..start], .. steps[Math.Min(start + run, steps.Length)..]]);
        for (var i = 0; i < steps.Length; i++)
            foreach (var simpler in Simpler(steps[i]))
                yield return With(program, [.. steps[..i], simpler, .. steps[(i + 1)..]]);
    }

    private static AllocatorProgram With(AllocatorProgram program, Step[] steps) => new AllocatorProgram(program.Setup, steps).Repaired();

    private static IEnumerable<Step> Simpler(Step step)
    {
        if (step.Cache != 0)
            yield return step with { Cache = 0 };
        if (step.Verb is Verb.AllocZeroed or Verb.AllocCounted or Verb.AllocAligned && step.Size <= BitTreeAllocator.MaxSize)
            yield return new Step(Verb.Alloc, step.Block, step.Size, 0, step.Cache, step.Try);
        if (step.Verb == Verb.FreeSized)
            yield return step with { Verb = Verb.Free };
        if (step.Verb is Verb.Realloc && step.Alignment != 0)
            yield return step with { Alignment = 0 };
        if (step.Verb is Verb.AllocAligned && step.Alignment > 1)
            yield return step with { Alignment = step.Alignment / 2 };
        if (step.Verb == Verb.DenyOs && step.Alignment > 1)
            yield return step with { Alignment = step.Alignment / 2 };
        if (step.Verb == Verb.DenyOs && step.Size > 1)
            yield return step with { Size = step.Size - 1 };
        if ((step.Makes || step.Verb == Verb.Realloc) && step.Size is > 1 and <= 1 << 30)
        {
            yield return step with { Size = 1 };
            for (var less = step.Size / 2; less > 0; less /= 2)
                yield return step with { Size = step.Size - less };
        }
    }
}
