using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the decision to purge on demand: only when fresh memory is about to be touched while touched memory exceeds the recent peak of use by x of present use. What caches may hold is no use: it is sent
/// home and purged with the rest. Nothing is purged on the way down, and reuse costs no fault (DESIGN section 8, docs/adr/0013). Above the soft limit it purges harder: all that is free, down to that limit, whether purging on demand is on or not.
/// Invariants: I-Y1 one thread sweeps for a step of growth; nobody waits for it. Callers: Supply, inside the cache's busy word; Regions, outside. Checked by: replay of real traces; the policy's unit tests.
/// </summary>
internal static unsafe class PurgePolicy<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Below this many touched bytes a purge costs more than it gives.</summary>
    private const ulong FloorBytes = 1 << 20;

    /// <summary>The same for small classes: while a heap is small, many of them grow in blocks that are a large part of it (docs/adr/0013). Steady use widens it like the peak.</summary>
    private const ulong SmallFloorBytes = 4 << 20;

    /// <summary>Touched memory grows by this fraction of the peak between two sweeps, as a shift, at least; for what is not small.</summary>
    private const int LargeStepShift = 4;

    /// <summary>As above, for small classes.</summary>
    private const int SmallStepShift = 5;

    /// <summary>One fresh block makes the recent peak forget this fraction of what lies above present use.</summary>
    private const int DecayShift = 10;

    private const int SlackBits = 16;
    private const ulong SlackMask = (1ul << SlackBits) - 1;

    /// <summary>The most that steady use of medium sizes may widen the share by: as much again as the peak.</summary>
    private const ulong MaxMediumSlack = 1024;

    /// <summary>Use is steady where its peak moved by no more than this part between two sweeps, as a shift.</summary>
    private const int MediumSteadyShift = 3;

    /// <summary>The same for small sizes: one sweep's growth of a heap that grows is more.</summary>
    private const int SmallSteadyShift = 5;

    /// <summary>True when it flushed or purged, so that the caller may look again before it touches fresh memory.</summary>
    public static bool BeforeFresh(Heap* heap, CacheRecord* record, int sizeClass) =>
        TrySweepToSoft(heap, record, Births<TAtomics, TGeometry>.BlockBytes(heap, sizeClass), sizeClass) || BeforeFresh(heap, record, sizeClass, 0);

    /// <summary>As above before <paramref name="bytes"/> are used at once, which count as used and touched; where <paramref name="sizeClass"/> is 0, the caller is not inside its cache.</summary>
    public static bool BeforeFresh(Heap* heap, CacheRecord* record, int sizeClass, ulong bytes)
    {
        var x = TAtomics.LoadAcquire(&heap->Policy.PurgeSlack, Site.HeapFigures); // order: a setting [H1]
        if (x == Policy.Never || HeapOs<TAtomics>.IsSealed(heap))
            return false;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
        var isMedium = sizeClass > SizeClasses.LastSmall;
        var isSmall = sizeClass != 0 && !isMedium;
        var inUse = bytes + Live(heap);
        var touched = bytes + (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures)); // order: a figure [H1]
        var peak = TAtomics.LoadAcquire(&heap->PeakLine.Value, Site.HeapFigures); // order: a figure [H1]
        peak = inUse >= peak ? inUse : peak - ((peak - inUse) >> DecayShift);
        TAtomics.StoreRelease(&heap->PeakLine.Value, peak, Site.HeapFigures); // order: a figure; racers overwrite each other with near values [H1]

        // What caches may hold is no use, and goes first. But a slot of a medium class is worth a thousand small ones: what is cached does not make room for it.
        var kept = isSmall ? peak : peak + (InUse(heap) + bytes - inUse);
        var slack = (isSmall ? (inUse * x) + (peak * Share(&heap->SmallSlackLine)) : kept * (x + (isMedium ? Share(&heap->MediumSlackLine) : 0))) >> 10;
        var next = TAtomics.LoadAcquire(&heap->NextSweepLine.Value, Site.HeapFigures); // order: a figure [H1]
        if (touched <= Math.Max(kept + slack, isSmall ? SmallFloorBytes + ((SmallFloorBytes * Share(&heap->SmallSlackLine)) >> 10) : FloorBytes) || touched < next)
            return false;

        // Written before this one: who loses goes on without, and a sweeper that is stopped only puts off the next.
        var step = Step(heap, slack, peak >> (isSmall ? SmallStepShift : LargeStepShift));
        if (!TAtomics.CompareExchangeAcqRel(&heap->NextSweepLine.Value, next, touched + step, Site.SweeperEnter)) // order: a figure; one winner is enough [H1]
            return false;
        if (isMedium)
            Widen(&heap->MediumSlackLine, peak, x, MaxMediumSlack, MediumSteadyShift);
        else if (isSmall)
            Widen(&heap->SmallSlackLine, peak, x, TAtomics.LoadAcquire(&heap->Policy.SteadySlack, Site.HeapFigures), SmallSteadyShift); // order: a setting [H1]
        if (sizeClass != 0)
        {
            // Where load has fallen, what the caches hold outweighs what users have, and pins the pages that are to go.
            if (inUse < Granted(heap))
                CacheSlowPath<TAtomics, TGeometry>.FlushOthers(record, sizeClass);
            else
                CacheSlowPath<TAtomics, TGeometry>.FlushIdle(record, sizeClass);
            Trimmer<TAtomics, TGeometry>.DrainRecyclers(heap, record);
        }

        var purged = Sweeper<TAtomics, TGeometry>.Sweep(heap, touched - Math.Min(touched, kept + (slack / 2)));

        // What could not be purged is fragmentation.
        TAtomics.StoreRelease(&heap->NextSweepLine.Value, touched - Math.Min(purged, touched) + step, Site.HeapFigures); // order: a figure [H1]
        return true;
    }

    /// <summary>
    /// After a realloc moved medium memory: for a moment both the old and the new were in use, so the recent peak says nothing. Where more lies free than the share of present use, twice as much as was
    /// left behind goes back, before the rest of the new memory is touched: memory that grows so leaves a trail as long as itself. No more than that, unless the policy is eager: the rest is for the peak to judge.
    /// </summary>
    public static void AfterMove(Heap* heap, CacheRecord* record, ulong left)
    {
        var x = TAtomics.LoadAcquire(&heap->Policy.PurgeSlack, Site.HeapFigures); // order: a setting [H1]
        if (x == Policy.Never || HeapOs<TAtomics>.IsSealed(heap))
            return;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
        var inUse = InUse(heap);
        var touched = (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures)); // order: a figure [H1]
        var next = TAtomics.LoadAcquire(&heap->NextSweepLine.Value, Site.HeapFigures); // order: a figure [H1]
        var slack = (inUse * x) >> 10;
        var step = Step(heap, slack, inUse >> LargeStepShift);
        if (touched <= Math.Max(inUse + slack, FloorBytes) || touched < next || !TAtomics.CompareExchangeAcqRel(&heap->NextSweepLine.Value, next, touched + step, Site.SweeperEnter)) // order: a figure; one winner is enough [H1]
            return;
        var excess = touched - Math.Min(touched, inUse + (slack / 2));
        var purged = Sweeper<TAtomics, TGeometry>.Sweep(heap, IsEager(heap) ? excess : Math.Min(2 * left, excess));
        TAtomics.StoreRelease(&heap->NextSweepLine.Value, touched - Math.Min(purged, touched) + step, Site.HeapFigures); // order: a figure [H1]
    }

    /// <summary>Bytes out of the blocks: those that users have, and those in caches and recyclers.</summary>
    private static ulong InUse(Heap* heap) =>
        (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->InUseLine.Value, Site.HeapFigures)); // order: a figure; none needed. A free may be settled before its allocation: below zero counts as zero [H1]

    /// <summary>The same, less what caches and recyclers may hold of them.</summary>
    private static ulong Live(Heap* heap)
    {
        var inUse = InUse(heap);
        return inUse - Math.Min(inUse, Granted(heap));
    }

    /// <summary>What caches and recyclers may hold.</summary>
    private static ulong Granted(Heap* heap) => TAtomics.LoadAcquire(&heap->CacheGrantedLine.Value, Site.HeapFigures); // order: a figure [H1]

    /// <summary>Growth of touched memory to the next sweep: half the slack, a part of the peak at least, and what the policy says. Smaller steps sweep the same blocks over and over.</summary>
    private static ulong Step(Heap* heap, ulong slack, ulong part) =>
        Math.Max(Math.Max(slack / 2, part), TAtomics.LoadAcquire(&heap->Policy.PurgeStep, Site.HeapFigures)); // order: a setting [H1]

    private static bool IsEager(Heap* heap) => TAtomics.LoadAcquire(&heap->Policy.EagerReturn, Site.HeapFigures) != 0; // order: a setting [H1]

    private static ulong Share(Line* slack) => TAtomics.LoadAcquire(&slack->Value, Site.HeapFigures) & SlackMask; // order: a figure [H1]

    /// <summary>
    /// Sweeps that come again and again where use does not grow purge for one class what is touched anew for another. Each such sweep doubles the share of the peak that may lie touched beyond it, up to
    /// <paramref name="most"/>; use that has grown by more than a part (2 to the <paramref name="steadyShift"/>) begins it anew, and use that has fallen so far changes nothing. So the number of those for medium sizes grows with the logarithm
    /// of the events (docs/adr/0012), and small ones that take turns cost what a few sweeps cost (docs/adr/0013).
    /// </summary>
    private static void Widen(Line* slack, ulong peak, ulong x, ulong most, int steadyShift)
    {
        // Low bits: the share. The others: the peak at the last sweep, in 4 KiB.
        var word = TAtomics.LoadAcquire(&slack->Value, Site.HeapFigures); // order: a figure [H1]
        var last = (word >> SlackBits) << 12;
        var share = word & SlackMask;
        if (peak > last + (last >> steadyShift))
            share = 0;
        else if (peak >= last - (last >> steadyShift))
            share = Math.Min(most, Math.Max(2 * share, Math.Max(x / 2, 16)));
        TAtomics.StoreRelease(&slack->Value, ((peak >> 12) << SlackBits) | share, Site.HeapFigures); // order: a figure; racers overwrite each other with near values [H1]
    }

    /// <summary>
    /// Where <paramref name="bytes"/> more would lie above the soft limit, and a step of growth is complete: purges all that is free, down to the limit. <paramref name="sizeClass"/> is what the caller
    /// works on inside its cache; 0 where it is not inside.
    /// </summary>
    public static bool TrySweepToSoft(Heap* heap, CacheRecord* record, ulong bytes, int sizeClass)
    {
        if (HeapOs<TAtomics>.IsSealed(heap) || !Limits<TAtomics>.TryMeetSoft(heap, record, bytes, out var soft, out var due))
            return false;
        if (sizeClass != 0)
            CacheSlowPath<TAtomics, TGeometry>.FlushIdle(record, sizeClass);
        Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, soft > bytes ? soft - bytes : 1);
        Limits<TAtomics>.Swept(heap, soft, bytes, due);
        return true;
    }
}
