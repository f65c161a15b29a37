using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of region words, slots, tails and areas.</summary>
internal static class RegionMutants
{
    private const ulong Claimed = 1;

    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("regions/let-go-forgets-leaf", "who holds a region that its user frees meanwhile does not offer it", ForgetAfterRelease(ofCompare: true), Site.RegionRelease);
        yield return new("regions/put-back-forgets-leaf", "a purged or refused region is not offered", ForgetAfterRelease(ofCompare: false), Site.RegionRelease);
        yield return new("regions/offer-forgets-leaf", "a region out of a slot is not offered", ForgetSetAfter(Site.RegionFree), Site.RegionFree);
        yield return new("regions/leaf-before-offer", "a region out of a slot is offered before its word says so", PutOff(Site.RegionFree, Site.TreeSetLeaf, when: operation => (operation.DesiredLow & Claimed) == 0), Site.RegionFree);
        yield return new("regions/leaf-before-put-back", "a region is offered before its holder lets go",
            PutOff(Site.RegionRelease, Site.TreeSetLeaf, when: operation => operation.Rmw == RmwKind.None), Site.RegionRelease);
        yield return new("regions/let-go-by-store", "who purged a tail stores its word over the user's free", AsStore(Site.RegionRelease), Site.RegionRelease);
        yield return new("regions/claim-by-store", "a sweep claims by a store: the user's new length is overwritten", AsStore(Site.RegionClaim), Site.RegionClaim);
        yield return new("regions/offer-by-store", "a region out of a slot is offered over a purger's hold", AsStore(Site.RegionFree), Site.RegionFree);
        yield return new("regions/resize-without-hold", "a region grows without being held", ResizeWithoutHold, Site.RegionResize);
        yield return new("regions/resize-by-store", "a user stores its new length over a purger's hold", AsStore(Site.RegionResize), Site.RegionResize);
        yield return new("regions/purge-after-offer", "a free region is offered and then purged: by a tick, and where the policy returns it at once", PurgeAfterOffer, Site.RegionRelease);
        yield return new("regions/purge-after-let-go", "a region is let go and then purged", PutOff(Site.None, Site.RegionRelease, when: IsPurge), Site.RegionRelease);
        yield return new("regions/return-before-purge", "the charge of a region is returned before its pages have gone", PutOff(Site.None, Site.ChargeReturn, when: IsPurge), Site.ChargeReturn, Site.RegionRelease);
        yield return new("regions/frontier-by-store", "two births may get the same region", AsStore(Site.RegionFrontier), Site.RegionFrontier);
        yield return new("regions/area-by-store", "of two areas that are added at once one is lost", AsStore(Site.RegionAreaPublish), Site.RegionAreaPublish);
        yield return new("regions/area-before-map", "an area is in its list before lookups find it", PutOff(Site.RegionMap, Site.RegionAreaPublish, when: operation => operation.Kind == EventKind.Write), Site.RegionMap);
        yield return new("regions/carve-by-store", "two areas may get the same addresses, or the same room", AsStore(Site.RegionCarve), Site.RegionCarve);
        yield return new("regions/space-by-store", "a space is published over another", AsStore(Site.RegionSpacePublish), Site.RegionSpacePublish);
    }

    private static bool IsPurge(SeamOperation operation) => operation is { Kind: EventKind.Write, Rmw: RmwKind.None, Low: 0 };

    /// <summary>The set that follows a let-go by compare-exchange, or by a store, is forgotten.</summary>
    private static MutantStep ForgetAfterRelease(bool ofCompare) =>
        (ModelMemory _, MutantState state, in SeamOperation operation) =>
        {
            if (operation.Site == Site.RegionRelease)
                (state.Count, state.Flag) = (operation.Rmw != RmwKind.None ? 1 : 0, false);
            else if (operation.Site == Site.TreeSetLeaf)
                state.Flag = state.Last == Site.RegionRelease && state.LastWrote && state.Count == (ofCompare ? 1 : 0);
            else if (operation.Site != Site.TreeHelpParent)
                state.Flag = false;
            return state.Flag ? Pretend(ulong.MaxValue) : null;
        };

    private static SeamResult? ResizeWithoutHold(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.RegionResize ? memory.Perform(operation with { DesiredLow = operation.DesiredLow & ~Claimed }) : null;

    /// <summary>The purge of a free region comes after its leaf; that of a tail where it belongs.</summary>
    private static SeamResult? PurgeAfterOffer(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site == Site.RegionClaim)
            state.Flag = new RegionWord(operation.DesiredLow).Phase == RegionPhase.InUse;
        if (operation.Site == Site.None && !state.Flag && IsPurge(operation))
        {
            state.Deferred.Add(operation);
            return Pretend(0);
        }

        if (operation.Site != Site.TreeSetLeaf)
            return null;
        var result = memory.Perform(operation);
        Catch(memory, state);
        return result;
    }
}
