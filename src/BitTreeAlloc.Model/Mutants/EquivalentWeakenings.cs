using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Atomics.Site;
using static BitTreeAlloc.Model.Memory.WeakeningKind;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Weakenings of single sites that nothing can show, each with its argument. They are run all the same: one that dies has a wrong argument.</summary>
internal static class EquivalentWeakenings
{
    private const string Validated = "the value only proposes: the compare-exchange on the same word that follows acquires, and fails where the word moved on";
    private const string Figure = "a figure or a hint: any value, however old, is right";
    private const string Hint = "the way down the tree only proposes a leaf; the compare-exchange on the leaf acquires";
    private const string Help = "help, not duty: whoever made the word non-zero sets the parents itself, unconditionally";
    private const string GivesNothing = "the step publishes nothing; a read-modify-write continues the release sequence of the store it read";
    private const string TakesNothing = "the value alone decides; what it would acquire is acquired by the load before it or the step after it";
    private const string LeafOwes = "every step that offers an empty or a clean block sets its leaf by an unconditional read-modify-write after it; a picker whose clear comes later in the leaf's order "
        + "has acquired that step and cannot see the word older; one whose clear comes earlier is undone by it";
    private const string UserOrders = "the user orders the last use of a mapping before its free; two frees race only in a program that is wrong, and then one value decides";

    public static string? Why(Site site, WeakeningKind kind) => (site, kind) switch
    {
        (HeapFigures, Relaxed or NoRelease or NoAcquire) => Figure,
        (KeptLoad or KeptChange or RepairCursor, _) => Figure,
        (BlockLoad or BirthLoad or SweepLoad or StackLoadDepth or StackLoadLink, Relaxed) => Validated,
        (TreePickSummary or TreePickTop or TreePickMiddle or TreePickLeaf or TreePeekLeaf or TreeSweepLeaf, Relaxed) => Hint,
        (TreeSetLeaf or TreeSetParent, NoAcquire) => "who finds the word 0 sets the parent whatever it acquired; who does not only helps",
        (TreeHelpParent, Relaxed) => Help,
        (TreeHelpSetParent, Relaxed or NoRelease or NoAcquire) => Help,
        (TreeClearLeaf or TreeClearParent, NoRelease) =>
            "a clear publishes nothing: who sets after it finds 0 and sets the parent by a read-modify-write, and whoever clears that one later has acquired the set",
        (TreeRereadChild, Relaxed) => "the clear before it acquired every set of the parent that it undid, and coherence gives the child's value of then or later",
        (PurgeLostCommit, Relaxed) => "read by the holder of a clean block, who acquired the sweeper's release with it: coherence does the rest",
        (BirthConfirm, Relaxed or NoRelease or NoAcquire or Dropped) => LeafOwes,
        (BlockConfirm, NoAcquire) => "who gives up takes nothing; the release half puts the cleared leaf before the holder's look",
        (BlockClaim or BirthClaim or SweepClaim, NoRelease) => GivesNothing,
        (BitmapTake, Relaxed or NoRelease or NoAcquire) => "the load before it acquired the bits that are taken, and the release of the block publishes that they are gone",
        (BitmapGive, NoAcquire) => "the value before only counts",
        (BlockCount, NoAcquire) => TakesNothing,
        (BitmapClear or BirthFirst or StackStoreLink or StackStoreDepth, Relaxed) => "published by the release of the word, or of the head, that follows",
        (FrontierAdvance or MagazineFrontier or WatermarkRaise or StackPush or DirectLeafPublish, NoAcquire) => TakesNothing,
        (GenerationLoad, Relaxed) => "the value alone counts, and the exchange that overwrites a signal has acquired the generation behind it",
        (GenerationRaise, Relaxed or NoRelease or NoAcquire) => "the signals that follow release it",
        (LimitSignal, NoAcquire) => GivesNothing,
        (LimitArm, NoRelease) => GivesNothing,
        (BusyEnter, NoRelease) => GivesNothing,
        (RecordListLink, Relaxed) => "published by the release of the list that follows",
        (DirectRegister or DirectLookup or DirectUnregister, Relaxed or NoRelease or NoAcquire) => UserOrders,
        (MagazineFrontier, Relaxed or NoRelease) => "who gets a magazine has ensured its commit by the mark, which acquires; the frontier only numbers",
        (StackPop or StackTakeAll, Relaxed or NoRelease or NoAcquire) => "the load of the head before it acquired the push that the compare-exchange validates, and a pop publishes nothing",
        (StackWalk, Relaxed) => "the chain is owned: the take-all before it acquired every link",
        (StackLoadGeneration, Relaxed) => "not covered: the model's 16-byte word is one location, whose reads are coherent; on hardware its halves are two, and the order is needed",
        (StretchLoad, Relaxed) => "not covered: no scenario publishes a stretch while others run; what a stretch's maker writes is not behind the seam",
        (LimitReset or SpareReset, Relaxed or Dropped) => "the end of the last tenure left both 0, and what comes between, a signal or somebody who takes, leaves them so",
        (MagazineSlots, Relaxed) => "written and read by whoever has the magazine; it passes on with the top, the spare or the head",
        (SpareLook, Relaxed) => "a look saves an exchange; the exchange acquires",
        (SpareTake, NoRelease) => GivesNothing,
        (GrantLoad or GrantTake or GrantReturn, Relaxed or NoRelease or NoAcquire) => "a sum: what was granted orders nothing",
        (OwnerEnter, Relaxed) => "who sees that the owner is inside touches nothing; the fence that the claimer makes the owner pass orders the store before the look",
        (OwnerForget, Relaxed or NoRelease or NoAcquire) => GivesNothing,
        (ClaimTake, NoRelease) => "a claim publishes nothing, and the fence behind it orders it before the claimer's look",
        (ClaimHandOver, NoAcquire) => TakesNothing,
        (GateEnter, Relaxed or NoRelease or NoAcquire) => "what lies behind the gate was there before it, and the end of a visit, not its begin, is what the closer needs to see",
        (GateLeave or GateMark, NoAcquire) => TakesNothing,
        (GateClose, Relaxed or NoRelease or NoAcquire) => "it publishes nothing and takes nothing: the visits are taken by the load that finds the gate empty",
        (SweeperEnter, Relaxed or NoRelease or NoAcquire) => "the step guards no memory: sweeps may run at once, it only keeps all but one from starting",
        (ChargeUndo, Relaxed or NoRelease or NoAcquire) => "nothing was taken, so nothing is handed on: a read-modify-write continues the release sequence of the return it read",
        (ChargeTake, NoRelease) => GivesNothing,
        (ChargeReturn, NoAcquire) => "the value is not looked at",
        (RunLook, Relaxed) => "a look proposes a place or passes one by; the claim acquires and validates",
        (RunClaim, NoRelease) or (RunUnclaim, NoRelease or Relaxed) => GivesNothing,
        (RunUnclaim or RunClear, NoAcquire) => "the value is not looked at",
        (RunTakeOut or RunResize, NoAcquire) => "what the run's owner did is ordered by whoever handed the run on; that the bits are set before they are cleared is ordered by the claim's acquire and the clear's release",
        (SweepRelease, Relaxed) => "a block is found by its leaf, whose release follows; a sweeper that finds it without has nothing of the last one's to read",
        (RegionLoad, Relaxed) => "who has the region alone acquired it with the slot, the leaf or the hold, and coherence gives the newest word; elsewhere the compare-exchange that follows acquires, and a look that misses owes nothing",
        (RegionClaim, NoRelease) => GivesNothing,
        (RegionFree or RegionResize or RegionRelease, NoAcquire) => "the load before it acquired; between the two only a hold can come and go that changed no page",
        (RegionBirth, Relaxed or NoRelease or NoAcquire or Split or Dropped) => "a region that was never offered has no leaf, and a sweep passes by clean words: the hold only tells the truth to who reads the words",
        (RegionAreaPublish or RegionSpacePublish, NoAcquire) => TakesNothing,
        (RegionCarve, Relaxed or NoRelease or NoAcquire) => "who gets addresses or room has ensured their commit by the mark, which acquires; the carve only numbers",
        (RegionSlotLook, Relaxed) => "a look from outside only proposes; inside, the owner's look at the claim or the thief's at the owner acquired what the other did to the slots",
        (RegionSlotTake or RegionSlotPut, Relaxed) => "published by the end of the claim, or by the owner's leaving, that follows",
        (RegionIdle, Relaxed or NoRelease or NoAcquire) => "the slot, or the word, that follows publishes the mark; who asks has the address from a user, and of two at once the exchange decides by its value",
        (RegionOwnerEnter, Relaxed) => "who sees that the owner is inside touches nothing; the fence that the thief makes the owner pass orders the store before the look",
        (RegionSlotsClaim, Relaxed) => "the full fence behind it does both: it acquires what the exchange read, and orders the claim before the thief's look",
        (RegionSlotsClaim, NoAcquire) => "the full fence behind the exchange acquires what the exchange read: the thief before let go by a release",
        (RegionSlotsClaim, NoRelease) => "a claim publishes nothing, and the fence behind it orders it before the thief's look",
        _ => null,
    };
}
