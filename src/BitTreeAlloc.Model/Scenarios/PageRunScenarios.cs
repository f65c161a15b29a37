using BitTreeAlloc.Model.Linearizability;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Runs of pages in chunks of two or three words.</summary>
internal static class PageRunScenarios
{
    private const string OneOwner = "a page has one owner, who comes after the last one, and a take that came to nothing leaves nothing";
    private const string OneWins = "of takes and grows that collide one comes through";
    private const string OneGives = "a run is given back once, whoever gives it, and only with its pages";
    private const string Found = "the run of a page is one that it was in while it was asked for";

    public static IEnumerable<Func<Scenario>> All()
    {
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-take-in-a-word", OneWins, 2, [], [Take(1)], [Take(1)]) { Winners = 2 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-take-across-words", OneWins, 4, [], [Take(3)], [Take(3)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-take-of-the-chunk", OneWins, 6, [], [Take(6)], [Take(6)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-take-overlapping", OneWins, 6, [], [Take(3)], [Take(2, 2)]) { BasePage = 1, Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-take-above", OneWins, 4, [], [Take(4)], [Take(1, 4)]) { BasePage = 1, Winners = 1 };
        yield return () => new PageRunScenario<FourBitWords>("take-vs-take-words-of-four", OneWins, 8, [], [Take(5)], [Take(3, 2)]) { BasePage = 1, Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-give-vs-take-give", OneOwner, 4, [], [Take(3), Give], [Take(3), Give]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-give", OneOwner, 4, [(0, 3, 1)], [Take(3)], [Give]);
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-give-of-a-neighbour", OneOwner, 4, [(0, 1, 1)], [Take(3)], [Give]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-two-gives", OneOwner, 4, [(0, 2, 1), (2, 2, 2)], [Take(4)], [Give], [Give]);
        yield return () => new PageRunScenario<FourBlockTrees>("shrink-vs-take", OneOwner, 4, [(0, 4, 0)], [Shrink(1)], [Take(3)]);
        yield return () => new PageRunScenario<FourBlockTrees>("shrink-grow-vs-take", OneOwner, 4, [(0, 4, 0)], [Shrink(1), Grow(2)], [Take(2)]);
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-take", OneWins, 4, [(0, 1, 0)], [Grow(2)], [Take(3)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-take-across-words", OneWins, 6, [(0, 1, 0)], [Grow(4)], [Take(2)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-give", OneOwner, 4, [(0, 1, 0), (1, 2, 1)], [Grow(2)], [Give]);
        yield return () => new PageRunScenario<FourBlockTrees>("give-vs-give", OneGives, 4, [(0, 3, -1)], [GiveAt(0)], [GiveAt(0)]);
        yield return () => new PageRunScenario<FourBlockTrees>("give-vs-give-of-no-run", OneGives, 4, [(0, 3, -1)], [GiveAt(0)], [GiveAt(1)]);
        yield return () => new PageRunScenario<FourBlockTrees>("give-vs-give-vs-take", OneGives, 4, [(0, 3, -1)], [GiveAt(0)], [GiveAt(0)], [Take(3)]) { IsLoose = true };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-give-of-what-is-taken", OneGives, 4, [], [Take(3)], [GiveAt(0)]) { IsLoose = true, Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-vs-find-and-give", OneGives, 4, [], [Take(3)], [Find(2), GiveAt(0)]) { IsLoose = true, Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("shrink-vs-give", OneGives, 4, [(0, 4, 0)], [Shrink(1)], [GiveAt(0)]) { IsLoose = true };
        yield return () => new PageRunScenario<FourBlockTrees>("shrink-vs-give-and-take", OneGives, 4, [(0, 4, 0)], [Shrink(1)], [GiveAt(0), Take(2)]) { IsLoose = true };
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-give-of-itself", OneGives, 4, [(0, 1, 0)], [Grow(3)], [GiveAt(0)]) { IsLoose = true };
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-give-and-take", OneGives, 4, [(0, 1, 0)], [Grow(2)], [GiveAt(0), Take(2)]) { IsLoose = true };
        yield return () => new PageRunScenario<FourBlockTrees>("find-vs-take-give", Found, 4, [], [Find(2)], [Take(3), Give]);
        yield return () => new PageRunScenario<FourBlockTrees>("find-vs-shrink-vs-take", Found, 4, [(0, 4, 1)], [Find(3)], [Shrink(2)], [Take(2)]);
        yield return () => new PageRunScenario<FourBlockTrees>("find-vs-give-take", Found, 4, [(1, 3, 1)], [Find(3)], [Give, Take(4), Give]);
        yield return () => new PageRunScenario<FourBlockTrees>("two-finds-vs-give-take", Found, 4, [(1, 3, 1)], [Find(0), Find(3)], [Give, Take(4)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("two-finds-vs-give-grow", Found, 4, [(0, 1, 1), (1, 2, -1)], [Find(0), Find(2)], [GiveAt(1), Grow(2)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("two-finds-vs-take-give", Found, 4, [(0, 2, -1)], [Find(1), Find(3)], [Take(2), GiveAt(0)]) { Winners = 1 };
        yield return () => new PageRunScenario<FourBlockTrees>("take-3-threads", OneWins, 4, [], [Take(3)], [Take(2)], [Take(1)]) { Winners = 1, Deviations = 8 };
        yield return () => new PageRunScenario<FourBlockTrees>("grow-vs-take-vs-give", OneOwner, 4, [(0, 1, 0), (2, 1, 2)], [Grow(2)], [Take(2)], [Give]) { Deviations = 8 };
    }

    private static RunMove Give => new(RunsSpec.Give);

    private static RunMove Take(int pages, int alignment = 1) => new(RunsSpec.Take, pages, alignment);

    private static RunMove GiveAt(int page) => new(RunsSpec.Give, At: page);

    private static RunMove Grow(int pages) => new(RunsSpec.Grow, pages);

    private static RunMove Shrink(int pages) => new(RunsSpec.Shrink, pages);

    private static RunMove Find(int page) => new(RunsSpec.Find, page);
}
