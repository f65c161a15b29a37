namespace BitTreeAlloc.Atomics;

/// <summary>The places of the core that touch shared words. The name is what reports print and what a mutant weakens; the order and its reason stand at the call.</summary>
public enum Site
{
    /// <summary>No site: initialisation before publication, and tests.</summary>
    None = 0,
    /// <summary>The block word before a step.</summary>
    BlockLoad,
    /// <summary>S1: Or of the leaf.</summary>
    TreeSetLeaf,
    /// <summary>G2: is the leaf set?</summary>
    TreePeekLeaf,
    /// <summary>T1: summary word.</summary>
    TreePickSummary,
    /// <summary>T1: top word.</summary>
    TreePickTop,
    /// <summary>T1: middle word.</summary>
    TreePickMiddle,
    /// <summary>X1: leaf word.</summary>
    TreeSweepLeaf,
    /// <summary>T1: leaf word.</summary>
    TreePickLeaf,
    /// <summary>T1: clears the lowest leaf bit.</summary>
    TreeClearLeaf,
    /// <summary>S1: unconditional Or of a parent.</summary>
    TreeSetParent,
    /// <summary>S1: looks at a parent whose child was set already.</summary>
    TreeHelpParent,
    /// <summary>S1: helps a setter that stopped.</summary>
    TreeHelpSetParent,
    /// <summary>P1: clears a parent bit.</summary>
    TreeClearParent,
    /// <summary>P1: reads the child again.</summary>
    TreeRereadChild,
    /// <summary>Purges that left pages uncommitted.</summary>
    PurgeLostCommit,
    /// <summary>B1: a clean block that cannot be committed.</summary>
    BirthUndo,
    /// <summary>B1: the word of a picked block.</summary>
    BirthLoad,
    /// <summary>B1: gives up by a write.</summary>
    BirthConfirm,
    /// <summary>B1: takes hold for a class.</summary>
    BirthClaim,
    /// <summary>Blocks ever born.</summary>
    FrontierLoad,
    /// <summary>B1: one more block is born.</summary>
    FrontierAdvance,
    /// <summary>B1: first word of a block at the frontier.</summary>
    BirthFirst,
    /// <summary>B1: the byte map.</summary>
    ClassMapWrite,
    /// <summary>X1: where repair goes on.</summary>
    RepairCursor,
    /// <summary>T2: takes hold.</summary>
    BlockClaim,
    /// <summary>T2: gives up by a write.</summary>
    BlockConfirm,
    /// <summary>T3: a bitmap word.</summary>
    BitmapLoad,
    /// <summary>T3: And of the chosen bits.</summary>
    BitmapTake,
    /// <summary>T4: lets go.</summary>
    BlockRelease,
    /// <summary>G1: Or of the slots.</summary>
    BitmapGive,
    /// <summary>G2: counts what came home.</summary>
    BlockCount,
    /// <summary>Bits set on a block that had left its class.</summary>
    BitmapUndo,
    /// <summary>E1: leaves its class.</summary>
    BlockEmpty,
    /// <summary>E1: clears a held block's bits.</summary>
    BitmapClear,
    /// <summary>The generation of trims.</summary>
    GenerationLoad,
    /// <summary>Owner of a cache record.</summary>
    RecordState,
    /// <summary>Counters and other figures.</summary>
    HeapFigures,
    /// <summary>The records that a heap took.</summary>
    RecordList,
    /// <summary>A record's link in its heap's list.</summary>
    RecordListLink,
    /// <summary>Records ever born.</summary>
    RecordFrontier,
    /// <summary>The owner sets a limit.</summary>
    LimitArm,
    /// <summary>A new owner's limits, before the record says that it is owned.</summary>
    LimitReset,
    /// <summary>A slow path begins.</summary>
    BusyEnter,
    /// <summary>A slow path ends.</summary>
    BusyLeave,
    /// <summary>A direct mapping appears.</summary>
    DirectRegister,
    /// <summary>A direct mapping goes.</summary>
    DirectUnregister,
    /// <summary>Ranges that could not be released.</summary>
    LostRange,
    /// <summary>Size of a direct mapping.</summary>
    DirectLookup,
    /// <summary>A leaf of the direct table.</summary>
    DirectLeafLoad,
    /// <summary>A new leaf of the direct table.</summary>
    DirectLeafPublish,
    /// <summary>Bitmap of a chunk: are the pages free?</summary>
    RunLook,
    /// <summary>Bitmap of a chunk: claims pages.</summary>
    RunClaim,
    /// <summary>Bitmap of a chunk: gives back pages that were claimed in vain.</summary>
    RunUnclaim,
    /// <summary>Bitmap of a chunk: gives back pages of a run.</summary>
    RunClear,
    /// <summary>A run appears.</summary>
    RunPublish,
    /// <summary>A run goes.</summary>
    RunTakeOut,
    /// <summary>Pages of a run.</summary>
    RunLookup,
    /// <summary>A run grows or shrinks.</summary>
    RunResize,
    /// <summary>Committed so far.</summary>
    WatermarkLoad,
    /// <summary>Committed further.</summary>
    WatermarkRaise,
    /// <summary>The block a class keeps.</summary>
    KeptLoad,
    /// <summary>The block a class keeps.</summary>
    KeptChange,
    /// <summary>Magazines ever born.</summary>
    MagazineFrontier,
    /// <summary>Push: the depth below.</summary>
    StackLoadDepth,
    /// <summary>Push: own link.</summary>
    StackStoreLink,
    /// <summary>Push: own depth.</summary>
    StackStoreDepth,
    /// <summary>Push: the head.</summary>
    StackPush,
    /// <summary>Pop: the link behind the top.</summary>
    StackLoadLink,
    /// <summary>Pop: the head.</summary>
    StackPop,
    /// <summary>Take-all: the head.</summary>
    StackTakeAll,
    /// <summary>Walks an owned chain.</summary>
    StackWalk,
    /// <summary>Narrow head.</summary>
    StackLoadHead,
    /// <summary>Wide head, generation.</summary>
    StackLoadGeneration,
    /// <summary>Wide head, pointer.</summary>
    StackLoadPointer,
    /// <summary>A stretch by number.</summary>
    StretchLoad,
    /// <summary>One thread sweeps for the policy.</summary>
    SweeperEnter,
    /// <summary>A new stretch.</summary>
    StretchPublish,
    /// <summary>Residency bits of a held block.</summary>
    ResidentRead,
    /// <summary>Residency bits of a held block.</summary>
    ResidentWrite,
    /// <summary>D1: the block word.</summary>
    SweepLoad,
    /// <summary>D1: takes hold.</summary>
    SweepClaim,
    /// <summary>D2: lets go.</summary>
    SweepRelease,
    /// <summary>Pages of a held block are missing, or back.</summary>
    SweepNote,
    /// <summary>Trim: a new generation.</summary>
    GenerationRaise,
    /// <summary>Trim: asks the owner to come in.</summary>
    LimitSignal,
    /// <summary>The owner of an ambient cache begins a call.</summary>
    OwnerEnter,
    /// <summary>The owner looks whether its record is claimed.</summary>
    OwnerLook,
    /// <summary>The owner ends a call.</summary>
    OwnerLeave,
    /// <summary>Whether the owner is in a call.</summary>
    OwnerState,
    /// <summary>A tick forgets that the owner was in a call.</summary>
    OwnerForget,
    /// <summary>The claim word before a step.</summary>
    ClaimLoad,
    /// <summary>Claims a record.</summary>
    ClaimTake,
    /// <summary>The process-wide fence behind a claim.</summary>
    ClaimFence,
    /// <summary>The owner leaves a claimed record to its claimer.</summary>
    ClaimHandOver,
    /// <summary>A claim ends.</summary>
    ClaimEnd,
    /// <summary>The next tenure begins.</summary>
    ClaimNext,
    /// <summary>Whether the owner enters and leaves.</summary>
    RecordKind,
    /// <summary>Where the next probe looks.</summary>
    RecordCursor,
    /// <summary>A visit begins.</summary>
    GateEnter,
    /// <summary>A visit ends.</summary>
    GateLeave,
    /// <summary>Nobody gets in any more.</summary>
    GateClose,
    /// <summary>Whether all are out, or the end is over.</summary>
    GateLook,
    /// <summary>The end is over.</summary>
    GateMark,
    /// <summary>Top of a loaded magazine.</summary>
    TopRead,
    /// <summary>Top of a loaded magazine.</summary>
    TopWrite,
    /// <summary>A slot in a magazine.</summary>
    MagazineRead,
    /// <summary>A slot in a magazine.</summary>
    MagazineWrite,
    /// <summary>Slots that a magazine may hold.</summary>
    MagazineSlots,
    /// <summary>Is there a spare?</summary>
    SpareLook,
    /// <summary>Takes the spare.</summary>
    SpareTake,
    /// <summary>Puts a magazine aside.</summary>
    SparePut,
    /// <summary>A new owner's spares, before the record says that it is owned.</summary>
    SpareReset,
    /// <summary>Bytes of the cache budget that are granted.</summary>
    GrantLoad,
    /// <summary>A cache takes more of the budget.</summary>
    GrantTake,
    /// <summary>A cache gives some of the budget back.</summary>
    GrantReturn,
    /// <summary>Reads what a cache has at hand of the budget: its owner's, or a claimer's.</summary>
    GrantRead,
    /// <summary>Changes what a cache has at hand of the budget: its owner's, or a claimer's.</summary>
    GrantWrite,
    /// <summary>A charge is reserved against the hard limit.</summary>
    ChargeTake,
    /// <summary>A charge that was reserved in vain.</summary>
    ChargeUndo,
    /// <summary>Memory went back: its charge too.</summary>
    ChargeReturn,
    /// <summary>Who crossed the soft limit, and where.</summary>
    LimitNote,
    /// <summary>A region's word.</summary>
    RegionLoad,
    /// <summary>Takes hold of a region that is on offer, or of one in use to purge its tail.</summary>
    RegionClaim,
    /// <summary>A region goes on offer.</summary>
    RegionFree,
    /// <summary>A user's region changes its length where it is.</summary>
    RegionResize,
    /// <summary>A region becomes a user's.</summary>
    RegionHandOut,
    /// <summary>Whether a region lies in a cache's slot.</summary>
    RegionIdle,
    /// <summary>Lets go of a region.</summary>
    RegionRelease,
    /// <summary>A region at the frontier is its taker's.</summary>
    RegionBirth,
    /// <summary>Regions of an area that were handed out at least once.</summary>
    RegionFrontier,
    /// <summary>The area of a carve unit.</summary>
    RegionMap,
    /// <summary>The next area of a class.</summary>
    RegionAreaLoad,
    /// <summary>A new area joins its class.</summary>
    RegionAreaPublish,
    /// <summary>A reservation for regions.</summary>
    RegionSpaceLoad,
    /// <summary>A new reservation for regions.</summary>
    RegionSpacePublish,
    /// <summary>What of a reservation, or of its metadata, is taken.</summary>
    RegionCarve,
    /// <summary>Does a cache keep a region of the class?</summary>
    RegionSlotLook,
    /// <summary>Takes the region that a cache keeps.</summary>
    RegionSlotTake,
    /// <summary>A cache keeps a region, in an empty slot.</summary>
    RegionSlotPut,
    /// <summary>The owner begins to use its region slots.</summary>
    RegionOwnerEnter,
    /// <summary>Does somebody claim them?</summary>
    RegionOwnerLook,
    /// <summary>The owner ends it.</summary>
    RegionOwnerLeave,
    /// <summary>Is the owner at its region slots?</summary>
    RegionOwnerState,
    /// <summary>Claims the region slots of another cache.</summary>
    RegionSlotsClaim,
    /// <summary>Every thread passes a fence before the claimer looks at the owner.</summary>
    RegionSlotsFence,
    /// <summary>Ends a claim of region slots.</summary>
    RegionSlotsUnclaim,
    /// <summary>A record's slots when its heap ends.</summary>
    RegionSlotReset,
}
