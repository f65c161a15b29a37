using static BitTreeAlloc.Model.Scenarios.BlockStart;
using static BitTreeAlloc.Model.Scenarios.BlockStep;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Block words, bitmaps and trees: one class of two slots a block.</summary>
internal static class BlockScenarios
{
    private const string OneOwner = "a slot has one owner, the new one sees the old one's last write, counts and bits agree at rest, and an available block is offered";
    private const string NoneLost = "whoever makes a block available, or lets go of one that is, offers it";
    private const string Emptied = "a block leaves its class only with every slot home, by one holder, and is offered to all";
    private const string Purged = "a purged page holds no slot that is out, and a purge loses no block";
    private const string Born = "a new block has one bearer, and its pages are committed before a slot is out";

    public static IEnumerable<Func<Scenario>> All() => [.. Pools(), .. Lives(), .. Purges()];

    private static IEnumerable<Func<Scenario>> Pools()
    {
        yield return () => new BlockScenario("give-vs-take", OneOwner, [Used(1, 3)], [Give], [Take, Use]);
        yield return () => new BlockScenario("give-vs-take-from-available", OneOwner, [Used(1, 0)], [Give], [TakeOne, TakeOne]);
        yield return () => new BlockScenario("give-vs-give", OneOwner, [Used(1, 2)], [Give], [Give]);
        yield return () => new BlockScenario("give-vs-give-last-ones-home", Emptied, [Used(1, 2)], [GiveAllEmpty], [GiveAllEmpty]);
        yield return () => new BlockScenario("claim-vs-give-vs-release", NoneLost, [Used(1, 0)], [Give], [TakeOne]);
        yield return () => new BlockScenario("take-vs-take", OneOwner, [Used(0, 0)], [TakeOne], [TakeOne]);
        yield return () => new BlockScenario("take-vs-take-carving", OneOwner, [Used(0)], [TakeOne], [TakeOne]);
        yield return () => new BlockScenario("take-vs-take-two-blocks", OneOwner, [Used(0, 3), Used(3, 0)], [Take], [Take]);
        yield return () => new BlockScenario("give-take-vs-give", OneOwner, [Used(1, 2)], [Give, Take], [Give]);
        yield return () => new BlockScenario("take-give-vs-take-give", OneOwner, [Used(0, 0)], [TakeOne, Give], [TakeOne, Give]) { Deviations = 12 };
        yield return () => new BlockScenario("count-vs-claim-unpicked", NoneLost, [Used(1, 0)], [Give], [TakeLast]);
        yield return () => new BlockScenario("claim-unpicked-vs-take", OneOwner, [Used(0, 0)], [TakeLast], [TakeOne]);
        yield return () => new BlockScenario("claim-unpicked-vs-claim-unpicked", OneOwner, [Used(0, 0)], [TakeLast], [TakeLast]);
        yield return () => new BlockScenario("claim-unpicked-carving", OneOwner, [Used()], [TakeLastOne], [TakeLastOne]);
        yield return () => new BlockScenario("stale-leaf-of-an-emptied-block", NoneLost, [Used(1, 0)], [GiveAllEmpty], [TakeOne]);
        yield return () => new BlockScenario("give-give-vs-take", OneOwner, [Used(1, 1)], [Give, Give], [Take]);
        yield return () => new BlockScenario("give-take-3-threads", OneOwner, [Used(1, 2)], [Give], [Give], [TakeOne]) { Deviations = 8 };
        yield return () => new BlockScenario("pool-take-give", OneOwner, [Used(1, 0)], [Give, TakeOne], [TakeOne, Give]) { IsPool = true, Deviations = 12 };
    }

    private static IEnumerable<Func<Scenario>> Lives()
    {
        yield return () => new BlockScenario("empty-vs-birth", Born, [Used(1, 1)], [GiveAllEmpty], [BirthEmpty, Use]);
        yield return () => new BlockScenario("birth-vs-birth-one-empty-block", Born, [Empty], [BirthEmpty], [BirthEmpty]);
        yield return () => new BlockScenario("frontier-vs-frontier", Born, [Unborn, Unborn], [BirthFresh, Use], [BirthFresh, Use]);
        yield return () => new BlockScenario("frontier-refused", Born, [Unborn, Unborn], [BirthFresh], [BirthFresh]) { Refuses = true };
        yield return () => new BlockScenario("birth-of-a-clean-block", Born, [Clean, Unborn], [BirthFresh, Use], [BirthFresh, Use]);
        yield return () => new BlockScenario("frontier-vs-locate", "what lies below the frontier is committed", [Unborn], [BirthFresh], [Locate]);
        yield return () => new BlockScenario("empty-birth-give", Emptied, [Used(1, 0)], [GiveAllEmpty], [BirthEmpty, GiveAllEmpty]);
        yield return () => new BlockScenario("supply-vs-homecoming", OneOwner, [Used(1, 3), Unborn], [GiveHome], [Supply, Use]) { Kept = 1 };
        yield return () => new BlockScenario("homecoming-vs-homecoming", Emptied, [Used(1, 2), Used(3, 3)], [GiveHome], [GiveHome]) { Kept = 1 };
        yield return () => new BlockScenario("homecoming-keeps-one", Emptied, [Used(1, 2)], [GiveHome], [GiveHome]);
    }

    private static IEnumerable<Func<Scenario>> Purges()
    {
        yield return () => new BlockScenario("purge-vs-take", Purged, [Used(0, 0)], [Sweep], [TakeOne, Use]);
        yield return () => new BlockScenario("purge-vs-give", Purged, [Used(1, 0)], [Give], [Sweep]);
        yield return () => new BlockScenario("purge-vs-give-last-ones-home", Purged, [Used(1, 0)], [GiveAllEmpty], [Sweep]);
        yield return () => new BlockScenario("purge-inside-vs-take", Purged, [Used(0, 3)], [TakeOne, Use], [Sweep]);
        yield return () => new BlockScenario("purge-vs-birth", Purged, [Empty], [BirthEmpty, Use], [Sweep]);
        yield return () => new BlockScenario("purge-vs-birth-of-clean", Purged, [Empty], [BirthFresh, Use], [Sweep]);
        yield return () => new BlockScenario("purge-vs-birth-beside-clean", Purged, [Empty, Clean], [BirthFresh, Use], [Sweep]);
        yield return () => new BlockScenario("purge-loses-commit", Purged, [Empty, Clean], [BirthFresh, Use], [Sweep]) { PurgeLosesCommit = true };
        yield return () => new BlockScenario("stale-leaf-of-an-empty-block", Purged, [Empty], [Sweep, BirthFresh, GiveAllEmpty], [BirthEmpty, Use]);
        yield return () => new BlockScenario("purge-fails", Purged, [Used(0, 0)], [TakeOne, Use], [Sweep]) { Refuses = true };
        yield return () => new BlockScenario("purge-vs-purge", Purged, [Empty], [Sweep], [Sweep]);
        yield return () => new BlockScenario("purge-vs-claim-unpicked", Purged, [Used(0, 0)], [TakeLast, Use], [Sweep]);
    }
}
