using FsCheck;
using FsCheck.Fluent;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Random programs. Choices are drawn first and then tied to the blocks that are live at that point, so that every program is well formed.</summary>
internal static class ProgramGenerator
{
    public static Arbitrary<AllocatorProgram> Programs(Setup setup, int longest = 200) =>
        Arb.From(Gen.Sized(size => Program(setup, Math.Max(4, longest * size / 100))), ProgramShrinker.Shrink);

    private static Gen<AllocatorProgram> Program(Setup setup, int length) =>
        from count in Gen.Choose(1, length)
        from growing in Gen.Choose(40, 75)
        from choices in Gen.ArrayOf(Choices(setup, growing), count)
        select new AllocatorProgram(setup, Tied(choices));

    private static Gen<Choice> Choices(Setup setup, int growing) => Gen.Frequency(
        (growing, Making(setup)),
        (15, Choice(setup, Verb.Realloc)),
        (15, Choice(setup, Verb.Free)),
        (15, Choice(setup, Verb.FreeSized)),
        (4, Choice(setup, Verb.Verify)),
        (2, Choice(setup, Verb.Figures)),
        (2, Choice(setup, Verb.Park)),
        (1, Choice(setup, Verb.Trim)),
        (1, Choice(setup, Verb.TrimCache)),
        (1, Choice(setup, Verb.RenewCache)),
        (setup.DenyOs ? 6 : 0, Denying()));

    // Repeated requests of one size are what fills magazines and blocks: one choice may stand for many steps.
    private static Gen<Choice> Making(Setup setup) => Gen.Frequency(
        (10, Choice(setup, Verb.Alloc)),
        (4, Choice(setup, Verb.AllocZeroed)),
        (setup.DenyOs ? 0 : 1, Choice(setup, Verb.AllocCounted)),
        (4, Choice(setup, Verb.AllocAligned)),
        (2, Choice(setup, Verb.Alloc).Zip(Gen.Choose(10, 300), (choice, times) => choice with { Times = choice.Size > 16384 ? times % 10 : times })),
        (1, Refused()));

    private static Gen<Choice> Choice(Setup setup, Verb verb) =>
        from size in Sizes.Valid
        from alignment in verb == Verb.AllocCounted ? Gen.Choose(0, 9).Select(count => (nuint)count) : Sizes.Alignments
        from cache in Gen.Choose(Step.Ambient, Setup.Caches - 1)
        from pick in Gen.Choose(0, int.MaxValue)
        from coin in Gen.Choose(0, 3)
        select new Choice(verb, size, alignment, cache, pick, coin, setup.DenyOs);

    private static Gen<Choice> Refused() =>
        from size in Gen.Frequency((2, Sizes.Refused), (1, Sizes.Valid))
        from alignment in size > BitTreeAllocator.MaxSize ? Sizes.Alignments : Sizes.RefusedAlignments
        from verb in size > BitTreeAllocator.MaxSize ? Gen.Elements(Verb.Alloc, Verb.AllocZeroed, Verb.AllocAligned) : Gen.Constant(Verb.AllocAligned)
        select new Choice(verb, size, alignment, 0, 0, 1, false);

    private static Gen<Choice> Denying() =>
        from first in Gen.Choose(1, 4)
        from count in Gen.Frequency((3, Gen.Choose(1, 3)), (1, Gen.Constant(1000)))
        select new Choice(Verb.DenyOs, (nuint)first, (nuint)count, 0, 0, 0, true);

    private static Step[] Tied(Choice[] choices)
    {
        var live = new List<int>();
        var steps = new List<Step>(choices.Length);
        var next = 0;
        foreach (var choice in choices)
        {
            for (var i = 0; i < choice.Times; i++)
            {
                var step = choice.ToStep();
                if (step.Makes)
                {
                    step = step with { Block = next++ };
                    live.Add(step.Block);
                }
                else if (step.Uses)
                {
                    if (live.Count == 0)
                        continue;
                    var at = choice.Pick % live.Count;
                    step = step with { Block = live[at] };
                    if (step.Frees)
                        live.RemoveAt(at);
                }

                steps.Add(step);
            }
        }

        return [.. steps];
    }
}

/// <summary>What was drawn for one step, before it is known which blocks are live.</summary>
internal readonly record struct Choice(Verb Verb, nuint Size, nuint Alignment, int Cache, int Pick, int Coin, bool DenyOs, int Times = 1)
{
    // Throwing forms are used only where nothing can fail: their exceptions have facts of their own.
    public Step ToStep() => Verb switch
    {
        Verb.Alloc or Verb.AllocZeroed => new Step(Verb, -1, Size, 0, Cache, MayFail),
        Verb.AllocAligned or Verb.AllocCounted => new Step(Verb, -1, Size, Alignment, Cache, MayFail),
        Verb.Realloc => new Step(Verb, -1, Size, Coin == 0 && !DenyOs ? Alignment : 0, Cache, MayFail),
        Verb.DenyOs => new Step(Verb, -1, Size, Alignment),
        _ => new Step(Verb, -1, 0, 0, Cache is Step.Ambient && Verb is Verb.Park or Verb.RenewCache or Verb.TrimCache ? Math.Max(Cache, 0) : Cache, Coin == 0),
    };

    private bool MayFail => DenyOs || Size > BitTreeAllocator.MaxSize || Coin == 1 || (Verb == Verb.AllocAligned && !System.Numerics.BitOperations.IsPow2(Alignment));
}
