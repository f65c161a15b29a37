using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: everything of one allocator that is not a block, a cache record or a magazine. Lies at the start of the allocator's own metadata; all other parts hang off it.
/// Invariants: I-H1 pointers and limits are written before the heap is published and never after. I-H2 the shared words lie on lines of their own.
/// Callers: every part of the core, holding nothing. Checked by: layout tests.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Heap
{
    /// <summary>Most stretches of one heap (the first 16 GiB, then 64 GiB each).</summary>
    public const int MaxStretches = 1024;

    /// <summary>A seal that counts calls and lets them through.</summary>
    public const ulong SealCounts = 1;

    /// <summary>A seal that refuses calls.</summary>
    public const ulong SealRefuses = 2;

    /// <summary>A seal whose function ends the process.</summary>
    public const ulong SealEnds = 3;

    /// <summary>Most reservations for regions (the first 256 GiB, then four times the last, to 16 TiB each).</summary>
    public const int MaxRegionSpaces = 32;

    // --- shared words, a line each, first: the heads of stacks lie at multiples of 16 whatever comes behind ---
    public HeadLine FreeRecords;
    public HeadLine EmptyMagazines;
    public Line GenerationLine;
    public Line InUseLine;
    public Line TouchedLine;
    public Line MagazinesNextLine;
    public Line OsCallsLine;
    public Line PurgedBytesLine;
    public Line PeakLine;
    public Line NextSweepLine;
    public Line DirectBytesLine;
    public Line DirectCountLine;

    /// <summary>Leaves of the direct table.</summary>
    public Line DirectLeavesLine;

    /// <summary>Bytes that the heap can hold resident at most: blocks that are not clean, direct mappings, committed metadata.</summary>
    public Line ChargedLine;

    /// <summary>0: none. Changed by the user at any time.</summary>
    public Line HardLimitLine;
    public Line SoftLimitLine;

    /// <summary>0 while the charge is below the soft limit; above it the charge at which the next sweep is due.</summary>
    public Line SoftStepLine;

    /// <summary>The cache record whose call crossed the soft limit and has not said so yet, or 0.</summary>
    public Line LimitNoteLine;

    /// <summary>The charge at that crossing.</summary>
    public Line LimitChargedLine;

    // What caches that ended had counted.
    public Line SharedOperationsLine;
    public Line RefillsLine;
    public Line FlushesLine;

    /// <summary>Bytes of the cache budget that are granted: magazines in caches, full ones in recyclers, grants at hand.</summary>
    public Line CacheGrantedLine;

    /// <summary>Of those, bytes of medium slots.</summary>
    public Line MediumGrantedLine;

    /// <summary>Times a cache got less than a whole magazine.</summary>
    public Line CacheRefusalsLine;

    /// <summary>Most bytes that one cache may hold of one class; 0 for two magazines.</summary>
    public Line CacheClassBytesLine;

    /// <summary>The record that the next probe for idle or dead owners looks at, or 0 for the newest.</summary>
    public Line ProbeCursorLine;

    /// <summary>Records in the heap's list.</summary>
    public Line RecordCountLine;

    /// <summary>Records at which a registration looks at all of them for dead owners.</summary>
    public Line ProbeThresholdLine;

    /// <summary>1 once a purge left pages uncommitted (Windows, under commit pressure): clean blocks are committed again at birth from then on.</summary>
    public Line PurgeLostCommitLine;

    /// <summary>What medium sizes may have free beyond the policy's share, and the peak at which that was found (see <see cref="PurgePolicy{TAtomics, TGeometry}"/>).</summary>
    public Line MediumSlackLine;

    /// <summary>The same for small sizes.</summary>
    public Line SmallSlackLine;

    /// <summary>Bytes that were freed lazily so far.</summary>
    public Line LazyBytesLine;

    /// <summary>0: not sealed; else one of the constants. Changed by the user at any time.</summary>
    public Line SealLine;

    /// <summary>Calls to the system that a sealed heap wanted to make.</summary>
    public Line SealBrokenLine;

    /// <summary>1 once the system has refused advice about huge pages; 2 once that was told.</summary>
    public Line AdviceDeniedLine;

    /// <summary>Bytes of regions whose pages come from the system's pool of huge pages.</summary>
    public Line HugePoolBytesLine;

    /// <summary>Of these, in pages of 1 GiB.</summary>
    public Line HugePool30BytesLine;

    /// <summary>Times a pool of huge pages refused a commit, or does not exist.</summary>
    public Line HugePoolRefusalsLine;

    /// <summary>Commits that pass the pool of 1 GiB pages by, and by how many the next refusal will (see <see cref="HugePool{TAtomics}"/>).</summary>
    public Line HugeSkip30Line;

    /// <summary>As above, of 2 MiB pages.</summary>
    public Line HugeSkip21Line;

    /// <summary>Bytes that a resize moved by their pages, without a copy.</summary>
    public Line MovedBytesLine;

    /// <summary>Newest of the records that this heap took from the pool; it keeps them while it lives.</summary>
    public Line RecordListLine;

    /// <summary>Changed by the user at any time.</summary>
    public Policy Policy;

    public VmTable Os;
    public Engine Engine;

    /// <summary>Called for a call to the system that breaks a seal of the last kind; does not return.</summary>
    public delegate*<VmVerb, ulong, void> OnSealBroken;

    // --- written once ---
    public ulong PageSize;
    public ulong HeaderBytes;
    public ClassInfo* Classes;
    public ClassState* States;
    public ulong* Stretches;
    public ulong* RegionSpaces;

    /// <summary>Per region class the address of its oldest area; behind them that of the oldest chunk of the exact mode.</summary>
    public ulong* RegionClasses;
    public DirectTable Direct;

    /// <summary>Changed by any thread, where the system refuses to take a range back.</summary>
    public LostTable Lost;
    public ulong StretchBytes;
    public int MinimumAlignment;
    public bool UseCas16;
    /// <summary>Whether every slot in a user's hands has its mark set (see <see cref="LiveMarks"/>).</summary>
    public bool Checked;

    /// <summary>Whether regions of up to 1 GiB are runs of exactly the pages asked for (<see cref="ExactRegions{TAtomics, TGeometry}"/>).</summary>
    public bool ExactRegions;

    /// <summary>Bytes of full magazines that the recycler of one class may hold.</summary>
    public ulong RecyclerBytesPerClass;

    /// <summary>Bytes that all caches and recyclers may hold, whatever is in use; 0 where the next two decide.</summary>
    public ulong CacheBudgetBytes;

    /// <summary>Whether idle ambient caches are claimed; otherwise their owners are only asked.</summary>
    public bool ClaimIdle;

    public RecordPool* Pool;
    public Watermark Magazines;
}

/// <summary>One shared word on a cache line of its own (two, because the prefetcher pairs lines).</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct Line
{
    public ulong Value;
}

/// <summary>The head of a stack on cache lines of its own.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct HeadLine
{
    public Word16 Head;
}

/// <summary>What is fixed about a size class of this heap.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ClassInfo
{
    public int SlotSize;
    public int Capacity;
    public int MagazineSlots;
    public int Kind;
    public int BlockShift;
    public int Column;

    /// <summary>log2 of the unit in which <see cref="Reciprocal"/> divides: 0 for small classes, whose offsets are below 64 KiB.</summary>
    public int UnitShift;

    /// <summary>ceil(2^32 / units of SlotSize): (units of offset · reciprocal) &gt;&gt; 32 is offset / SlotSize for every offset of a block.</summary>
    public uint Reciprocal;

    /// <summary>The recycler holds at most this many magazines.</summary>
    public uint RecyclerDepth;

    /// <summary>The slot in which the byte at that offset of a block lies.</summary>
    public readonly int SlotAt(ulong offset) => (int)(((offset >> UnitShift) * Reciprocal) >> 32);
}

/// <summary>What changes about a size class: its recycler and the block it keeps when empty.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct ClassState
{
    /// <summary>Head of the stack of full magazines.</summary>
    [FieldOffset(0)]
    public Word16 Recycler;

    /// <summary>Address of the first byte of the one empty block that stays in the class, or 0. On a line of its own: every give looks at it.</summary>
    [FieldOffset(64)]
    public ulong Kept;
}
