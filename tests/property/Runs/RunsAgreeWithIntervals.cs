using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Runs;

/// <summary>Random programs over a chunk of pages against a list of intervals: every answer, every bit and the run of every page.</summary>
public sealed class RunsAgreeWithIntervals
{
    [Fact]
    public void Random_programs_agree_in_words_of_64_pages() =>
        PropertyCheck.Holds(RunProgram.Any(512, 150), 400, Run<HardwareAtomics, ShippedGeometry>);

    [Fact]
    public void Random_programs_agree_in_words_of_4_pages() =>
        PropertyCheck.Holds(RunProgram.Any(40, 150), 400, Run<HardwareAtomics, FourBits>);

    [Fact]
    public void Random_programs_agree_in_words_of_2_pages() =>
        PropertyCheck.Holds(RunProgram.Any(12, 150), 400, Run<HardwareAtomics, TwoBits>);

    [Fact]
    public void A_give_that_forgets_a_page_is_found()
    {
        var found = PropertyCheck.Search(RunProgram.Any(512, 150), 400, Run<ForgetsAPage, ShippedGeometry>);
        Assert.NotNull(found);
        Assert.True(found.Shrunk.Steps.Length <= 4, $"shrunk to {found.Shrunk.Steps.Length} steps only:\n{found}");
    }

    [Fact]
    public void A_give_that_can_be_repeated_is_found()
    {
        var found = PropertyCheck.Search(RunProgram.Any(40, 150), 400, Run<LeavesTheDescriptor, FourBits>);
        Assert.NotNull(found);
        Assert.True(found.Shrunk.Steps.Length <= 4, $"shrunk to {found.Shrunk.Steps.Length} steps only:\n{found}");
    }

    private static void Run<TAtomics, TGeometry>(RunProgram program)
        where TAtomics : struct, IAtomics
        where TGeometry : struct, IGeometry
    {
        using var chunk = new Chunk<TAtomics, TGeometry>(program.Pages, program.BasePage);
        var runs = new SortedDictionary<int, int>();
        for (var number = 0; number < program.Steps.Length; number++)
        {
            var step = program.Steps[number];
            var live = runs.Count == 0 ? -1 : runs.Keys.ElementAt(Math.Abs(step.A) % runs.Count);
            switch (step.Verb)
            {
                case RunVerb.Take:
                    var place = Place(program, runs, step.A, step.B);
                    Same(place, chunk.Take(step.A, step.B), number, step);
                    if (place >= 0)
                        runs.Add(place, step.A);
                    break;
                case RunVerb.Give:
                case RunVerb.GivePage:
                    var first = step.Verb == RunVerb.Give ? live : step.A;
                    Same(runs.GetValueOrDefault(first), chunk.Give(first), number, step);
                    runs.Remove(first);
                    break;
                case RunVerb.Grow when live >= 0:
                    var end = live + runs[live];
                    var fits = step.B > 0 && IsFree(program, runs, end, step.B);
                    Same(fits ? 1 : 0, chunk.TryGrow(live, step.B) ? 1 : 0, number, step);
                    runs[live] += fits ? step.B : 0;
                    break;
                case RunVerb.Shrink when live >= 0:
                    chunk.Shrink(live, step.B);
                    runs[live] = step.B >= 1 ? Math.Min(step.B, runs[live]) : runs[live];
                    break;
                default:
                    break;
            }

            Look(program, chunk, runs, number, step);
        }
    }

    /// <summary>Every bit, and the run of every page.</summary>
    private static void Look<TAtomics, TGeometry>(RunProgram program, Chunk<TAtomics, TGeometry> chunk, SortedDictionary<int, int> runs, int number, RunStep step)
        where TAtomics : struct, IAtomics
        where TGeometry : struct, IGeometry
    {
        var page = 0;
        foreach (var (first, pages) in runs.Append(new(program.Pages, 0)))
        {
            for (; page < first; page++)
                Expect(!chunk.IsTaken(page) && chunk.Find(page) == (0, 0), $"page {page} is free, its bit is {chunk.IsTaken(page)}, its run {chunk.Find(page)}", number, step);
            for (; page < first + pages; page++)
                Expect(chunk.IsTaken(page) && chunk.Find(page) == (pages, first), $"page {page} is in a run of {pages} from {first}, its bit is {chunk.IsTaken(page)}, its run {chunk.Find(page)}", number, step);
        }

        Expect(!chunk.HasStrayBits(program.Pages), "a bit beyond the last page is set", number, step);
    }

    /// <summary>The lowest place, page by page; -1 where there is none or the request is none.</summary>
    private static int Place(RunProgram program, SortedDictionary<int, int> runs, int pages, int alignment)
    {
        for (var first = 0; pages > 0 && alignment > 0 && first + pages <= program.Pages; first++)
        {
            if ((program.BasePage + (ulong)first) % (ulong)alignment == 0 && IsFree(program, runs, first, pages))
                return first;
        }

        return -1;
    }

    private static bool IsFree(RunProgram program, SortedDictionary<int, int> runs, int first, int pages) =>
        first + pages <= program.Pages && runs.All(run => run.Key >= first + pages || run.Key + run.Value <= first);

    private static void Same(int expected, int actual, int number, RunStep step)
    {
        if (expected != actual)
            Expect(false, $"the answer is {actual}, the intervals say {expected}", number, step);
    }

    private static void Expect(bool holds, string text, int number, RunStep step)
    {
        if (!holds)
            throw new OracleViolation($"step {number}, {step}: {text}");
    }

    /// <summary>Words of two bits.</summary>
    private readonly struct TwoBits : IGeometry
    {
        public static int WordShift => 1;

        public static int TreeShift => 3;

        public static int MagazineWords => 8;
    }

    /// <summary>Words of four bits.</summary>
    private readonly struct FourBits : IGeometry
    {
        public static int WordShift => 2;

        public static int TreeShift => 6;

        public static int MagazineWords => 8;
    }
}
