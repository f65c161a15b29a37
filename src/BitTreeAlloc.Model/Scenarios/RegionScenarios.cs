using static BitTreeAlloc.Model.Scenarios.RegionStart;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Regions: one class of four units a region.</summary>
internal static class RegionScenarios
{
    private const string OneOwner = "a region has one owner, the new one sees the old one's last write, and at rest every region is in one place and the charge is what the words say";
    private const string Stolen = "who takes a region out of a slot has it, its cache's owner and sweepers find another or none";
    private const string Owned = "slots are their owner's or a claimer's: a region that the owner takes or keeps while others claim is used by one, and none is lost";
    private const string Twice = "a region that its owner frees again is told to be free already, whatever others do with it";
    private const string Purged = "a purged page is nobody's, a purge loses no region, and whoever frees what is being purged leaves its offer to the purger";
    private const string Refused = "a region whose commit or purge was refused is on offer again, and nothing stays charged for it";
    private const string Limited = "units with pages never exceed the hard limit, and a refused request leaves its region on offer";
    private const string Told = "figures read beside any work never say more in use than touched, or more touched than committed";
    private const string Ended = "no region is purged after the allocator ended";

    private static readonly RegionSetting s_listed = new() { IsListed = true };

    public static IEnumerable<Func<Scenario>> All() => [.. Lives(), .. Thefts(), .. Slots(), .. Frees(), .. Purges(), .. Refusals(), .. Others()];

    private static IEnumerable<Func<Scenario>> Lives()
    {
        yield return () => new RegionScenario("take-vs-take-one-dirty", OneOwner, [Dirty()], "a", "a") { Granted = 1 };
        yield return () => new RegionScenario("take-vs-take-two-dirty", OneOwner, [Dirty(), Dirty()], "a", "a") { Granted = 2 };
        yield return () => new RegionScenario("take-vs-take-two-areas", OneOwner, [Dirty(), Dirty()], "a", "a") { Granted = 2, Setting = new() { Split = 1 } };
        yield return () => new RegionScenario("take-vs-take-clean", OneOwner, [Clean(), Clean()], "a", "a") { Granted = 2 };
        yield return () => new RegionScenario("frontier-vs-frontier", OneOwner, [Unborn, Unborn], "a", "b") { Granted = 2 };
        yield return () => new RegionScenario("frontier-vs-frontier-two-areas", OneOwner, [Unborn, Unborn], "a", "a") { Granted = 2, Setting = new() { Split = 1 } };
        yield return () => new RegionScenario("frontier-vs-two-births-free", OneOwner, [Unborn, Unborn, Unborn], "a", "aaf") { Granted = 3 };
        yield return () => new RegionScenario("frontier-vs-sweep", OneOwner, [Unborn], "au", "s") { Granted = 1 };
        yield return () => new RegionScenario("frontier-vs-locate", OneOwner, [Clean(), Unborn], "aa", "l") { Granted = 2 };
        yield return () => new RegionScenario("take-vs-free", OneOwner, [Dirty(), Used(1)], "a", "f") { Granted = 1 };
        yield return () => new RegionScenario("take-vs-free-that-displaces", OneOwner, [Cached(1), Used(1)], "au", "f");
        yield return () => new RegionScenario("take-free-vs-take-free", OneOwner, [Dirty()], "af", "af") { Granted = 1 };
        yield return () => new RegionScenario("free-take-vs-free-take", OneOwner, [Used(0), Used(1)], "fa", "fa") { Granted = 2 };
        yield return () => new RegionScenario("two-frees-vs-two-takes", OneOwner, [Used(0), Used(0)], "ff", "aa") { Setting = s_listed };
        yield return () => new RegionScenario("free-take-vs-take-free", OneOwner, [Used(0), Dirty()], "fa", "af") { Granted = 2, Setting = s_listed };
        yield return () => new RegionScenario("take-hidden-by-a-stopped-picker", OneOwner, [Dirty(), Used(1), Used(1)], "a", "ff") { Granted = 1 };
        yield return () => new RegionScenario("take-3-threads", OneOwner, [Dirty(), Dirty()], "a", "a", "a") { Granted = 2, Deviations = 10 };
        yield return () => new RegionScenario("take-take-free-3-threads", OneOwner, [Cached(2), Used(2)], "a", "a", "f") { Deviations = 8 };
    }

    private static IEnumerable<Func<Scenario>> Thefts()
    {
        yield return () => new RegionScenario("steal-vs-free", Stolen, [Used(1)], "a", "f") { Setting = s_listed };
        yield return () => new RegionScenario("steal-vs-free-into-a-full-slot", Stolen, [Cached(1), Used(1)], "au", "f") { Setting = s_listed };
        yield return () => new RegionScenario("steal-vs-owners-take", Stolen, [Cached(1)], "a", "a") { Setting = s_listed };
        yield return () => new RegionScenario("steal-or-birth-vs-owners-take", Stolen, [Cached(1), Unborn], "a", "a") { Granted = 1, Deviations = 8, Setting = s_listed };
        yield return () => new RegionScenario("steal-vs-steal", Stolen, [Cached(2)], "a", "a") { Granted = 1, Setting = s_listed with { Records = 3 } };
        yield return () => new RegionScenario("steal-vs-offer", Stolen, [Cached(1)], "a", "o") { Setting = s_listed };
        yield return () => new RegionScenario("steal-vs-free-vs-tick", Stolen, [Cached(1), Used(1)], "a", "f", "k") { Deviations = 7, Setting = s_listed };
        yield return () => new RegionScenario("steal-vs-free-vs-sweep", Stolen, [Used(1)], "a", "f", "s") { Deviations = 6, Setting = s_listed };
    }

    private static IEnumerable<Func<Scenario>> Slots()
    {
        var three = s_listed with { Records = 3 };
        yield return () => new RegionScenario("hit-take-vs-steal", Owned, [Cached(1, 3, 3, 4)], "q", "au") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-free-vs-steal", Owned, [Used(1, 3, 3, 4)], "q", "f") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-free-take-vs-steal", Owned, [Used(1, 3, 3, 4)], "q", "fau") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-take-free-vs-take", Owned, [Cached(1, 3, 3, 4)], "au", "af") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-free-take-vs-offer", Owned, [Used(1, 3, 3, 4)], "o", "fau") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-take-of-another-length-vs-steal", Owned, [Cached(1, 3, 3, 4)], "q", "bu") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("hit-take-vs-two-thieves", Owned, [Cached(2, 3, 3, 4)], "q", "q", "au") { Hits = true, Deviations = 4, Setting = three };
        yield return () => new RegionScenario("hit-free-vs-two-thieves", Owned, [Used(2, 3, 3, 4)], "q", "o", "f") { Hits = true, Deviations = 5, Setting = three };
        yield return () => new RegionScenario("keep-vs-claim", Owned, [Cached(1), Used(1)], "q", "f") { Setting = s_listed };
        yield return () => new RegionScenario("keep-vs-two-claims", Owned, [Cached(2), Used(2)], "q", "o", "f") { Deviations = 3, Setting = three };
        yield return () => new RegionScenario("keep-keep-vs-claim", Owned, [Used(1), Used(1)], "q", "ff") { Setting = s_listed };
        yield return () => new RegionScenario("offer-own-vs-steal", Owned, [Cached(1)], "q", "w") { Setting = s_listed };
        yield return () => new RegionScenario("offer-own-vs-take", Owned, [Cached(1)], "au", "w") { Setting = s_listed };
        yield return () => new RegionScenario("claim-vs-claim", Owned, [Cached(2)], "q", "o") { Setting = three };
        yield return () => new RegionScenario("claim-vs-claim-of-two", Owned, [Cached(2), Cached(3)], "q", "q") { Deviations = 4, Setting = s_listed with { Records = 4 } };
    }

    private static IEnumerable<Func<Scenario>> Frees()
    {
        yield return () => new RegionScenario("free-vs-free", "of two frees of one region at the checked level one succeeds", [Used(0)], "f", "F") { Setting = new() { IsChecked = true } };
        yield return () => new RegionScenario("free-vs-free-listed", "of two frees of one region at the checked level one succeeds", [Used(0)], "f", "F") { Setting = s_listed with { IsChecked = true } };
        yield return () => new RegionScenario("free-again-vs-offer", Twice, [Used(0)], "fF", "o") { Setting = s_listed };
        yield return () => new RegionScenario("free-again-vs-steal", Twice, [Used(0)], "fF", "q") { Setting = s_listed };
        yield return () => new RegionScenario("free-again-vs-sweep", Twice, [Used(0)], "fF", "s") { Setting = s_listed };
        yield return () => new RegionScenario("free-again-vs-tail", Twice, [Used(0, 1, 2)], "fF", "s");
        yield return () => new RegionScenario("free-again-vs-offer-checked", Twice, [Used(0)], "fF", "o") { Setting = s_listed with { IsChecked = true } };
        yield return () => new RegionScenario("hit-free-again-vs-offer", Twice, [Used(0, 3, 3, 4)], "fF", "o") { Hits = true, Setting = s_listed };
    }

    private static IEnumerable<Func<Scenario>> Purges()
    {
        yield return () => new RegionScenario("tick-vs-take", Purged, [Dirty()], "k", "au");
        yield return () => new RegionScenario("tick-vs-tick", Purged, [Dirty()], "k", "k");
        yield return () => new RegionScenario("tick-vs-free-take", Purged, [Cached(1), Used(1)], "k", "fa") { Granted = 1 };
        yield return () => new RegionScenario("tick-of-a-part-vs-take", Purged, [Dirty(touched: 2)], "k", "bu") { Budget = 1 };
        yield return () => new RegionScenario("tick-vs-two-frees", Purged, [Used(1), Used(1)], "k", "ff");
        yield return () => new RegionScenario("tick-vs-take-free-offer", Purged, [Dirty()], "k", "afo") { Setting = s_listed };
        yield return () => new RegionScenario("ticks-of-parts-vs-free-offer", Purged, [Used(2, 2, 2)], "k", "k", "fo") { Budget = 1, Setting = s_listed with { Records = 3 } };
        yield return () => new RegionScenario("eager-return-vs-take", Purged, [Cached(0), Used(0)], "f", "a") { Setting = new() { EagerReturn = true } };
        yield return () => new RegionScenario("eager-return-vs-steal", Purged, [Cached(0), Used(0)], "f", "a") { Setting = s_listed with { EagerReturn = true } };
        yield return () => new RegionScenario("eager-return-vs-sweep", Purged, [Cached(0), Used(0)], "f", "s") { Setting = s_listed with { EagerReturn = true } };
        yield return () => new RegionScenario("tail-vs-free", Purged, [Used(1, 1, 2)], "s", "f");
        yield return () => new RegionScenario("tail-vs-free-take", Purged, [Used(1, 1, 2)], "s", "fa");
        yield return () => new RegionScenario("tail-of-the-next-user", Purged, [Used(1, 2, 2)], "s", "fa");
        yield return () => new RegionScenario("tail-vs-longer", Purged, [Used(1, 1, 2)], "s", "tu");
        yield return () => new RegionScenario("tail-vs-longer-than-touched", Purged, [Used(1, 1, 2)], "s", "xu");
        yield return () => new RegionScenario("tail-vs-longer-free", Purged, [Used(1, 1, 2)], "s", "tf");
        yield return () => new RegionScenario("tail-vs-shorter", Purged, [Used(1, 2, 2)], "s", "Tu");
        yield return () => new RegionScenario("tail-vs-shorter-longer", Purged, [Used(1, 2, 2)], "s", "Ttu");
        yield return () => new RegionScenario("tail-vs-longer-thrice", Purged, [Used(1, 1, 2, 4)], "s", "txu");
        yield return () => new RegionScenario("tail-vs-hit-free-take", Purged, [Used(1, 3, 4, 4)], "s", "fau") { Hits = true };
        yield return () => new RegionScenario("tail-vs-hit-free-take-of-another-length", Purged, [Used(1, 3, 4, 4)], "s", "fbu") { Hits = true };
        yield return () => new RegionScenario("tail-of-an-idle-region-vs-take", Purged, [Cached(1, 1, 2)], "s", "au");
        yield return () => new RegionScenario("tail-of-an-idle-region-vs-offer", Purged, [Cached(1, 1, 2)], "s", "w");
        yield return () => new RegionScenario("tail-of-an-idle-region-vs-offer-take", Purged, [Cached(1, 1, 2)], "s", "w", "a") { Deviations = 8 };
        yield return () => new RegionScenario("tail-of-an-idle-region-vs-eager-return", Purged, [Cached(1, 1, 2), Used(1)], "s", "f") { Setting = new() { EagerReturn = true } };
        yield return () => new RegionScenario("tail-vs-free-vs-steal", Purged, [Used(2, 1, 2)], "s", "q", "f") { Deviations = 6, Setting = s_listed with { Records = 3 } };
        yield return () => new RegionScenario("tail-vs-free-vs-take", Purged, [Used(2, 1, 2)], "s", "au", "f") { Deviations = 6, Setting = s_listed with { Records = 3 } };
        yield return () => new RegionScenario("tail-vs-tail-vs-free", Purged, [Used(2, 1, 2)], "s", "s", "f");
        yield return () => new RegionScenario("tail-vs-longer-vs-free-beside", Purged, [Used(1, 1, 2), Used(2)], "s", "tf", "f");
        yield return () => new RegionScenario("trim-vs-take", Purged, [Cached(1), Dirty()], "s", "a") { Deviations = 7, Setting = s_listed };
        yield return () => new RegionScenario("trim-vs-take-vs-free", Purged, [Cached(1), Used(2)], "s", "a", "f") { Deviations = 4, Setting = s_listed with { Records = 3 } };
    }

    private static IEnumerable<Func<Scenario>> Refusals()
    {
        yield return () => new RegionScenario("commit-refused-vs-take", Refused, [Dirty(committed: 1)], "b", "a") { Refuses = true };
        yield return () => new RegionScenario("commit-refused-out-of-a-slot", Refused, [Cached(0, committed: 1)], "b", "a") { Refuses = true, Setting = s_listed };
        yield return () => new RegionScenario("longer-refused-vs-tail", Refused, [Used(0, 1, 2)], "xu", "s") { Refuses = true };
        yield return () => new RegionScenario("birth-refused-vs-birth", Refused, [Unborn], "a", "a") { Refuses = true };
        yield return () => new RegionScenario("longer-refused-vs-sweep", Refused, [Used(0, committed: 1)], "tu", "s") { Refuses = true };
        yield return () => new RegionScenario("purge-refused-vs-take", Refused, [Dirty(touched: 2)], "k", "a") { Refuses = true };
        yield return () => new RegionScenario("tail-refused-vs-free", Refused, [Used(1, 1, 2)], "s", "f") { Refuses = true };
        yield return () => new RegionScenario("purge-loses-commit-vs-take", Refused, [Dirty(touched: 2)], "k", "bu") { PurgeLosesCommit = true };
        yield return () => new RegionScenario("tail-loses-commit-vs-free-take", Refused, [Used(1, 1, 2)], "s", "fb") { PurgeLosesCommit = true };
        yield return () => new RegionScenario("take-vs-take-at-the-limit", Limited, [Clean(), Clean()], "a", "a") { Setting = new() { Limit = 1 } };
        yield return () => new RegionScenario("take-vs-purge-at-the-limit", Limited, [Clean(), Dirty(touched: 2)], "k", "b") { Setting = new() { Limit = 2 } };
        yield return () => new RegionScenario("longer-vs-tail-at-the-limit", Limited, [Used(1), Used(0, 1, 2)], "s", "t") { Setting = new() { Limit = 3 } };
    }

    private static IEnumerable<Func<Scenario>> Others()
    {
        yield return () => new RegionScenario("figures-vs-commit-more", Told, [Dirty(committed: 1)], "b", "g");
        yield return () => new RegionScenario("figures-vs-longer", Told, [Used(0, committed: 1)], "tT", "g");
        yield return () => new RegionScenario("figures-vs-free-vs-tail", Told, [Used(0, 1, 2)], "f", "g", "s");
        yield return () => new RegionScenario("figures-vs-hit-free-take", Told, [Used(0, 3, 3, 4)], "fa", "g") { Hits = true, Setting = s_listed };
        yield return () => new RegionScenario("figures-vs-hit-free-vs-steal", Told, [Used(0, 3, 3, 4)], "f", "g", "q") { Hits = true, Deviations = 8, Setting = s_listed };
        yield return () => new RegionScenario("figures-vs-birth", Told, [Unborn], "af", "g");
        yield return () => new RegionGrowthScenario("area-vs-area", true, "n", "n");
        yield return () => new RegionGrowthScenario("area-and-region-vs-the-same", true, "a", "a");
        yield return () => new RegionGrowthScenario("area-vs-locate", true, "a", "l");
        yield return () => new RegionGrowthScenario("area-vs-walk", true, "n", "w");
        yield return () => new RegionGrowthScenario("areas-vs-walk", true, "nn", "w");
        yield return () => new RegionGrowthScenario("space-vs-space", false, "n", "n");
        yield return () => new RegionGrowthScenario("space-vs-locate", false, "a", "l");
        yield return () => new RegionScenario("dispose-vs-tick", Ended, [Dirty()], "v", "d");
        yield return () => new RegionScenario("dispose-vs-two-ticks", Ended, [Dirty(), Dirty()], "v", "d", "v") { Deviations = 10 };
        yield return () => new RegionScenario("dispose-vs-dispose-vs-tick", Ended, [Dirty()], "d", "d", "v");
    }
}
