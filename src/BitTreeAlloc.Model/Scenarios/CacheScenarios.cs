namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Caches between their owners and those who take from them: claims, spares, whole allocators.</summary>
internal static class CacheScenarios
{
    private const string Claimed = "a claimed cache is touched by its claimer alone, an abandoned one is adopted once, and every slot stays in one place";
    private const string Idle = "the cache of an owner that sleeps is emptied";
    private const string Aside = "a magazine put aside is taken once, by who sees what lies in it";
    private const string Lost = "a magazine that lost the last place in the recycler goes home with all that is in it";
    private const string Short = "what idle caches hold is found where the system has nothing, and no slot is lost or shared on the way";
    private const string Relief = "a cache that the budget refuses gets the grants of an idle one, and what is granted stays the sum of what caches have";
    private const string Whole = "calls of several threads on one heap lose no slot, share none, and touch no page that was given back";

    public static IEnumerable<Func<Scenario>> All() => [.. Claims(), .. Tenures(), .. Shortages(), .. Spares(), .. LostPushes(), .. Budgets(), .. Reliefs(), .. Heaps()];

    private static IEnumerable<Func<Scenario>> Claims()
    {
        yield return () => new CacheScenario("claims/alloc-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 2, Free = 1 }, "h", "r");
        yield return () => new CacheScenario("claims/free-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Free = 1 }, "f", "r");
        yield return () => new CacheScenario("claims/alloc-free-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 2, Free = 1 }, "hf", "r");
        yield return () => new CacheScenario("claims/free-alloc-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Free = 1 }, "fh", "r");
        yield return () => new CacheScenario("claims/alloc-vs-reclaim-with-spare", Claimed, new() { Ambient = true, Loaded = 1, Spare = true, Home = 1, Free = 1 }, "h", "r");
        yield return () => new CacheScenario("claims/refill-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Unborn = 1, Free = 1 }, "aa", "r") { Deviations = 3 };
        yield return () => new CacheScenario("claims/first-refill-vs-reclaim", Claimed, new() { Ambient = true, Home = 2, Free = 1 }, "a", "r");
        yield return () => new CacheScenario("claims/alloc-vs-two-reclaimers", Claimed, new() { Ambient = true, Loaded = 2, Free = 1 }, "h", "r", "r") { Deviations = 4 };
        yield return () => new CacheScenario("claims/free-vs-two-reclaimers", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Free = 1 }, "f", "r", "r") { Deviations = 4 };
        yield return () => new CacheScenario("claims/two-reclaimers", Claimed, new() { Ambient = true, Loaded = 1, Dead = true, Home = 1 }, "r", "r");
        yield return () => new CacheScenario("claims/alloc-vs-tick", Claimed, new() { Ambient = true, Loaded = 2, Free = 1, Used = true }, "h", "k");
        yield return () => new CacheScenario("claims/alloc-vs-two-ticks", Claimed, new() { Ambient = true, Loaded = 2, Free = 1, Used = true }, "h", "kk");
        yield return () => new CacheScenario("claims/free-vs-two-ticks", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Free = 1, Used = true }, "f", "kk");
        yield return () => new CacheScenario("claims/two-ticks-empty-a-cache", Idle, new() { Ambient = true, Loaded = 1, Home = 1, Used = true, IsEmptied = true }, "", "kk");
        yield return () => new CacheScenario("claims/trim-empties-a-cache", Idle, new() { Ambient = true, Loaded = 1, Home = 1, Spare = true, Used = true, IsEmptied = true }, "", "c");
        yield return () => new CacheScenario("claims/free-vs-trim", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Free = 1 }, "f", "c");
        yield return () => new CacheScenario("claims/free-free-vs-trim", Claimed, new() { Ambient = true, Loaded = 1, Hands = [2], Home = 1, Free = 1, Magazines = 2 }, "ff", "c");
        yield return () => new CacheScenario("claims/trim-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Free = 1 }, "T", "r");
    }

    private static IEnumerable<Func<Scenario>> Tenures()
    {
        yield return () => new CacheScenario("claims/exit-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1 }, "x", "r");
        yield return () => new CacheScenario("claims/probe-vs-probe", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Dead = true }, "p", "p");
        yield return () => new CacheScenario("claims/probe-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Dead = true }, "p", "r");
        yield return () => new CacheScenario("claims/probe-vs-reclaim-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Dead = true }, "p", "r", "r") { Deviations = 4 };
        yield return () => new CacheScenario("claims/probe-vs-probe-vs-register", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Dead = true }, "p", "p", "n") { Deviations = 4 };
        yield return () => new CacheScenario("claims/probe-register-free-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Hands = [1], Dead = true, Free = 1 }, "pnf", "r");
        yield return () => new CacheScenario("claims/exit-register-free-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 0, Hands = [2], Free = 1 }, "xnf", "r");
        yield return () => new CacheScenario("claims/probe-vs-reclaim-with-spare", Claimed, new() { Ambient = true, Loaded = 0, Spare = true, Dead = true }, "p", "r");
        yield return () => new CacheScenario("claims/probe-register-vs-probe", Claimed, new() { Ambient = true, Loaded = 1, Home = 1, Dead = true }, "pn", "p");
        yield return () => new CacheScenario("claims/exit-register-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 1, Home = 1 }, "xn", "r");
        yield return () => new CacheScenario("claims/exit-register-explicit-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 0, Hands = [1], Home = 1 }, "xNf", "r");
        yield return () => new CacheScenario("claims/exit-register-vs-probe", Claimed, new() { Ambient = true, Loaded = 1, Home = 1 }, "xn", "p");
        yield return () => new CacheScenario("claims/exit-vs-register-free-vs-reclaim", Claimed, new() { Ambient = true, Loaded = 0, Hands = [0, 2], Free = 1 }, "x", "nf", "r") { Deviations = 4 };
    }

    private static IEnumerable<Func<Scenario>> Shortages()
    {
        yield return () => new CacheScenario("claims/shortage-finds-an-idle-cache", Short, new() { Ambient = true, Owned = 2, Loaded = 2, Unborn = 1, RefusesAll = true, Magazines = 1 }, "", "a");
        yield return () => new CacheScenario("claims/shortage-vs-alloc", Short, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 2, Unborn = 1, RefusesAll = true, MayFail = true }, "h", "a");
        yield return () => new CacheScenario("claims/shortage-vs-free", Short, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 1, Hands = [1], Unborn = 1, RefusesAll = true, MayFail = true }, "f", "a") { Deviations = 4 };
        yield return () => new CacheScenario("claims/shortage-vs-exit", Short, new() { Ambient = true, Owned = 2, Loaded = 2, Unborn = 1, RefusesAll = true, MayFail = true }, "x", "a");
        yield return () => new CacheScenario("claims/shortage-of-a-mapping-vs-alloc", Short, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 2 }, "h", "d");
        yield return () => new CacheScenario("claims/shortage-of-a-mapping-vs-free", Short, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 1, Hands = [1] }, "f", "d");
        yield return () => new CacheScenario("claims/shortage-vs-shortage", Short, new() { Ambient = true, Owned = 2, Free = 1, Stocked = 2, Loaded = 1 }, "d", "d") { Deviations = 5 };
    }

    private static IEnumerable<Func<Scenario>> Spares()
    {
        yield return () => new CacheScenario("spares/fill-put-vs-steal", Aside, new() { Loaded = 1, Hands = [2], Magazines = 2 }, "ff", "r");
        yield return () => new CacheScenario("spares/swap-vs-steal", Aside, new() { Loaded = 0, Unborn = 1, Spare = true, Magazines = 2 }, "a", "r");
        yield return () => new CacheScenario("spares/swap-free-vs-steal", Aside, new() { Loaded = 0, Spare = true, Magazines = 2 }, "af", "r");
        yield return () => new CacheScenario("spares/put-vs-steal", Aside, new() { Loaded = 2, Hands = [1], Home = 1, Magazines = 2 }, "f", "r");
        yield return () => new CacheScenario("spares/put-over-vs-steal", Aside, new() { Loaded = 2, Spare = true, Hands = [1], Home = 1, Magazines = 2 }, "f", "r");
        yield return () => new CacheScenario("spares/two-stealers", Aside, new() { Loaded = 0, Spare = true, Magazines = 2 }, "", "r", "r");
        yield return () => new CacheScenario("spares/put-vs-two-stealers", Aside, new() { Loaded = 2, Hands = [1], Home = 1, Magazines = 2 }, "f", "r", "o") { Deviations = 5 };
        yield return () => new CacheScenario("spares/swap-vs-two-stealers", Aside, new() { Loaded = 0, Spare = true, Magazines = 2 }, "a", "r", "o") { Deviations = 5 };
        yield return () => new CacheScenario("spares/exit-vs-steal", Aside, new() { Loaded = 0, Spare = true, Magazines = 2 }, "x", "r");
    }

    private static IEnumerable<Func<Scenario>> LostPushes()
    {
        yield return () => new CacheScenario("spares/lost-push", Lost, new() { Owned = 2, Stocked = 2, Loaded = 2, Spare = true, Hands = [1, 1], OwnEmpty = true, Magazines = 0 }, "f", "f");
        yield return () => new CacheScenario("spares/lost-push-vs-drain", Lost, new() { Owned = 2, Stocked = 2, Loaded = 2, Spare = true, Hands = [1, 1], OwnEmpty = true, Magazines = 0 }, "f", "f", "c") { Deviations = 4 };
        yield return () => new CacheScenario("spares/lost-push-vs-refill", Lost, new() { Owned = 3, Stocked = 2, Loaded = 2, Spare = true, Hands = [1, 1], OwnEmpty = true, Magazines = 0 }, "f", "f", "a");
    }

    private static IEnumerable<Func<Scenario>> Reliefs()
    {
        yield return () => new CacheScenario("budget/relief-of-a-sleeper", Relief, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 2, Hands = [0, 2], BudgetSlots = 3, AtHand = 1, IsRelieved = true, Magazines = 1 }, "", "ff");
        yield return () => new CacheScenario("budget/relief-vs-alloc", Relief, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 2, Hands = [0, 1], BudgetSlots = 3, AtHand = 1 }, "h", "f");
        yield return () => new CacheScenario("budget/relief-vs-free", Relief, new() { Ambient = true, Owned = 2, Free = 1, Loaded = 1, Hands = [1, 1], BudgetSlots = 3, AtHand = 1 }, "f", "f");
        yield return () => new CacheScenario("budget/relief-vs-exit", Relief, new() { Ambient = true, Owned = 2, Hands = [0, 1], BudgetSlots = 2, AtHand = 2 }, "x", "f") { Deviations = 4 };
        yield return () => new CacheScenario("budget/relief-vs-first-magazine", Relief, new() { Ambient = true, Owned = 2, Free = 6, Hands = [1, 1], BudgetSlots = 2, AtHand = 2 }, "f", "f");
        yield return () => new CacheScenario("budget/relief-vs-recycled", Relief, new() { Owned = 2, Loaded = 0, Recycled = 1, Hands = [0, 1], BudgetSlots = 4 }, "a", "f");
    }

    private static IEnumerable<Func<Scenario>> Budgets()
    {
        yield return () => new BudgetScenario("take-vs-take", 3, "t", "t");
        yield return () => new BudgetScenario("give-back-vs-take", 3, "trs", "t");
        yield return () => new BudgetScenario("take-give-back-twice", 3, "trs", "trs");
        yield return () => new BudgetScenario("three-caches", 5, "t", "tr", "ts") { Deviations = 6 };
        yield return () => new GateScenario("visit-vs-close", "v", "c");
        yield return () => new GateScenario("two-visits-vs-close", "v", "v", "c");
        yield return () => new GateScenario("visit-vs-two-closes", "v", "c", "c");
        yield return () => new GateScenario("close-vs-closed", "c", "w");
        yield return () => new GateScenario("visit-vs-visit", "vv", "v");
    }

    private static IEnumerable<Func<Scenario>> Heaps()
    {
        yield return () => new CacheScenario("heap/alloc-free-vs-trim", Whole, new() { Loaded = 1, Hands = [1] }, "fa", "t") { Deviations = 9 };
        yield return () => new CacheScenario("heap/free-vs-trim", Whole, new() { Loaded = 1, Hands = [1] }, "f", "t");
        yield return () => new CacheScenario("heap/refill-vs-cache-trim", Whole, new() { Loaded = 0, Home = 1 }, "a", "c");
        yield return () => new CacheScenario("heap/alloc-free-vs-cache-trim", Whole, new() { Loaded = 1, Hands = [1] }, "fa", "c");
        yield return () => new CacheScenario("heap/alloc-vs-free-vs-trim", Whole, new() { Loaded = 0, Owned = 2, Hands = [0, 1], Home = 1, Magazines = 3 }, "a", "f", "t") { Deviations = 5 };
        yield return () => new CacheScenario("heap/refill-vs-flush-vs-purge", Whole, new() { Loaded = 0, Owned = 2, Hands = [0, 2], Home = 2, Magazines = 3 }, "au", "ffx", "s") { Deviations = 5 };
        yield return () => new CacheScenario("heap/refill-vs-purge", Whole, new() { Loaded = 0, Home = 2, Unborn = 1, Magazines = 2 }, "au", "s");
        yield return () => new CacheScenario("heap/exit-vs-remote-free-vs-trim", Whole, new() { Loaded = 1, Owned = 2, Hands = [0, 1], Magazines = 3 }, "x", "f", "t") { Deviations = 5 };
        yield return () => new CacheScenario("heap/ambient-exit-vs-remote-free-vs-trim", Whole, new() { Ambient = true, Loaded = 1, Owned = 2, Hands = [0, 1], Magazines = 3, Free = 1 }, "x", "f", "t") { Deviations = 3 };
        yield return () => new CacheScenario("heap/ambient-alloc-vs-trim", Whole, new() { Ambient = true, Loaded = 1, Home = 1, Free = 1, Magazines = 2 }, "au", "t") { Deviations = 5 };
        yield return () => new CacheScenario("heap/ambient-hit-vs-trim", Whole, new() { Ambient = true, Loaded = 2, Free = 1, Magazines = 2 }, "hu", "t");
        yield return () => new CacheScenario("heap/commit-failure-vs-alloc", Whole, new() { Loaded = 0, Owned = 2, Unborn = 2, Refuses = true, Magazines = 3 }, "a", "a");
        yield return () => new CacheScenario("heap/figures-vs-alloc-vs-trim", Whole, new() { Loaded = 0, Home = 2, Magazines = 2 }, "a", "q", "t") { Deviations = 5 };
        yield return () => new CacheScenario("heap/alloc-vs-alloc-vs-purge", Whole, new() { Loaded = 0, Owned = 2, Home = 2, Unborn = 2, Magazines = 3 }, "au", "au", "s") { Deviations = 5 };
        yield return () => new CacheScenario("heap/full-magazine-changes-hands", Whole, new() { Loaded = 2, Spare = true, Owned = 2, Hands = [1], Home = 1, Unborn = 1, Magazines = 3 }, "f", "a");
        yield return () => new CacheScenario("heap/full-magazine-vs-drain", Whole, new() { Loaded = 2, Spare = true, Hands = [1], Home = 1, Magazines = 3 }, "f", "c");
        yield return () => new CacheScenario("heap/classes-cross-vs-purge", Whole, new() { Loaded = 1, Hands = [1], Unborn = 1, KeepsNone = true, Magazines = 2 }, "fx", "bu", "s") { Deviations = 5 };
    }
}
