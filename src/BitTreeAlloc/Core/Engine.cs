using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: one instantiation of the core as function pointers: what the Api calls off the hit path. It lets an allocator run on the shipped atomics or on a test's without a virtual call
/// or a generic parameter in public.
/// </summary>
internal unsafe struct Engine
{
    public delegate*<in HeapPlan, out Heap*, Outcome> Create;
    public delegate*<Heap*, void> Destroy;
    public delegate*<Heap*, ulong, out Outcome, CacheRecord*> Register;
    public delegate*<CacheRecord*, bool> TryLeave;
    public delegate*<CacheRecord*, void> Unregister;
    public delegate*<CacheRecord*, int, out Outcome, ulong> Alloc;
    public delegate*<CacheRecord*, int, ulong, out Outcome, ulong> AllocAligned;
    public delegate*<CacheRecord*, int, out Outcome, ulong> AllocZero;
    public delegate*<CacheRecord*, int, ulong, Outcome> Free;
    public delegate*<CacheRecord*, out long, Outcome> Flush;
    public delegate*<Heap*, CacheRecord*, ulong, ulong, out ulong, out Outcome, ulong> AllocLarge;
    public delegate*<CacheRecord*, ulong, ulong> TryAllocRegion;
    public delegate*<CacheRecord*, ulong, bool> TryFreeRegion;
    public delegate*<Heap*, CacheRecord*, ulong, Outcome> FreeLarge;
    public delegate*<Heap*, CacheRecord*, ulong, ulong, out Outcome, bool> TryResizeLarge;
    public delegate*<Heap*, CacheRecord*, ulong, ulong, ulong, out Outcome, bool> TryMoveLarge;
    public delegate*<Heap*, CacheRecord*, ulong, void> AfterMove;
    public delegate*<Heap*, ulong, ulong, bool> TryZeroLarge;
    public delegate*<Heap*, ulong, ulong> LargeSize;
    public delegate*<Heap*, ulong, out ulong, ulong> FindLarge;
    public delegate*<Heap*, ulong, out RegionRef, bool> LocateRegion;
    public delegate*<Heap*, ulong, out BlockRef, bool> Locate;
    public delegate*<CacheRecord*, Stretch*, void> UseStretch;
    public delegate*<CacheRecord*, Outcome> EndTenured;
    public delegate*<Heap*, CacheRecord*> NextInTurn;
    public delegate*<Heap*, bool> HasFreeRecord;
    public delegate*<Heap*, ulong> RecordCount;
    public delegate*<Heap*, CacheRecord*, int, out ulong, out long, Outcome> Trim;
    public delegate*<Heap*, out long, out ulong, Outcome> Tick;
    public delegate*<Heap*, ulong, long, bool, ulong*, out Outcome, long> Reserve;
    public delegate*<Heap*, ClassFigures*, out HeapTotals, void> Figures;

    /// <summary>The core over one kind of atomics and one geometry.</summary>
    public static Engine Of<TAtomics, TGeometry>()
        where TAtomics : struct, IAtomics
        where TGeometry : struct, IGeometry => new()
        {
            Create = &HeapSetup<TAtomics, TGeometry>.Create,
            Destroy = &HeapSetup<TAtomics, TGeometry>.Destroy,
            Register = &CacheRegistry<TAtomics, TGeometry>.TryRegister,
            TryLeave = &CacheRegistry<TAtomics, TGeometry>.TryLeave,
            Unregister = &CacheRegistry<TAtomics, TGeometry>.Release,
            Alloc = &CacheSlowPath<TAtomics, TGeometry>.Alloc,
            AllocAligned = &CacheSlowPath<TAtomics, TGeometry>.AllocAligned,
            AllocZero = &CacheSlowPath<TAtomics, TGeometry>.AllocZero,
            Free = &CacheSlowPath<TAtomics, TGeometry>.Free,
            Flush = &CacheSlowPath<TAtomics, TGeometry>.FlushAll,
            AllocLarge = &Large<TAtomics, TGeometry>.Alloc,
            TryAllocRegion = &RegionHits<TAtomics, TGeometry>.TryAlloc,
            TryFreeRegion = &RegionHits<TAtomics, TGeometry>.TryFree,
            FreeLarge = &Large<TAtomics, TGeometry>.Free,
            TryResizeLarge = &Large<TAtomics, TGeometry>.TryResize,
            TryMoveLarge = &Large<TAtomics, TGeometry>.TryMove,
            AfterMove = &PurgePolicy<TAtomics, TGeometry>.AfterMove,
            TryZeroLarge = &Large<TAtomics, TGeometry>.TryZero,
            LargeSize = &Large<TAtomics, TGeometry>.SizeOf,
            FindLarge = &Large<TAtomics, TGeometry>.Find,
            LocateRegion = &Large<TAtomics, TGeometry>.TryLocate,
            Locate = &Placement<TAtomics>.TryLocate,
            UseStretch = &CacheRegistry<TAtomics, TGeometry>.UseStretch,
            EndTenured = &Reclaimer<TAtomics, TGeometry>.End,
            NextInTurn = &CacheRegistry<TAtomics, TGeometry>.NextInTurn,
            HasFreeRecord = &CacheRegistry<TAtomics, TGeometry>.HasFree,
            RecordCount = &CacheRegistry<TAtomics, TGeometry>.CountOf,
            Trim = &Trimmer<TAtomics, TGeometry>.Trim,
            Tick = &Decay<TAtomics, TGeometry>.Tick,
            Reserve = &Reservations<TAtomics, TGeometry>.Reserve,
            Figures = &HeapFigures<TAtomics, TGeometry>.Read,
        };
}
