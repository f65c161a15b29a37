using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the one byte budget over all caches and recyclers of a heap. Every magazine that may hold slots has a grant for all that it may hold; where the budget is used up, magazines are
/// shorter, and in the end calls go to the blocks one slot at a time.
/// Invariants: I-Y2 granted = grants at hand in records + grants of magazines in caches + full magazines in recyclers, and was within the budget when it last grew. So what is cached is
/// within the budget that was in force then, however many caches there are.
/// Callers: Magazines, CacheSlowPath, Reclaimer; with the record in hand. Checked by: conservation property, a test with 5 000 caches; the explorer's budget scenarios.
/// </summary>
/// <remarks>Grants are taken ahead in pieces, so the shared word is touched once in several magazines; when little is left, only what is needed.</remarks>
internal static unsafe class CacheBudget<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Budget of a heap without an own figure: this fraction of the bytes in use, as a shift (1/32), …</summary>
    private const int Shift = 5;

    /// <summary>… and no less than this.</summary>
    public const ulong FloorBytes = 8 << 20;

    /// <summary>What medium slots may have of it at least.</summary>
    private const ulong MediumFloorBytes = 512 << 10;

    private const ulong AheadBytes = 64 << 10;

    /// <summary>All caches together take this fraction of the budget ahead, as a shift: what an idle one has at hand nobody else can use.</summary>
    private const int AheadShift = 4;

    /// <summary>One refusal in so many asks for the relief of idle caches (<see cref="BudgetRelief{TAtomics, TGeometry}"/>).</summary>
    private const ulong RefusalsPerRelief = 64;

    /// <summary>Bytes that caches and recyclers of the heap may hold now.</summary>
    public static ulong Budget(Heap* heap)
    {
        if (heap->CacheBudgetBytes != 0)
            return heap->CacheBudgetBytes;
        var inUse = (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->InUseLine.Value, Site.HeapFigures)); // order: a figure [H1]
        return Math.Max(inUse >> Shift, FloorBytes);
    }

    /// <summary>Takes a grant for up to <paramref name="slots"/> slots. Returns for how many there is one.</summary>
    public static int Take(Heap* heap, CacheRecord* record, int slots, int slotSize)
    {
        var want = (ulong)slots * (ulong)slotSize;
        var atHand = AtHand(record);
        if (atHand < want)
            atHand += Extend(heap, atHand, want - atHand, (ulong)slotSize);
        if (atHand < want)
        {
            slots = (int)(atHand / (ulong)slotSize);
            want = (ulong)slots * (ulong)slotSize;
            var refusals = TAtomics.FetchAddAcqRel(&heap->CacheRefusalsLine.Value, 1, Site.HeapFigures) + 1; // order: a figure [H1]
            if (refusals % RefusalsPerRelief == 0)
                record->ReliefDue = refusals / RefusalsPerRelief;
        }

        Keep(record, atHand - want);
        return slots;
    }

    /// <summary>
    /// Bytes of the budget that medium slots may have: this fraction of the bytes in use, as a shift, and no less than a few of the smallest. What a cache holds counts as in use for the purge rule, so it has to
    /// be little; and small slots need the rest: one medium slot is worth a thousand of them.
    /// </summary>
    public static int TakeMedium(Heap* heap, int slots, int slotSize)
    {
        for (; ; )
        {
            var granted = TAtomics.LoadAcquire(&heap->MediumGrantedLine.Value, Site.GrantLoad); // order: acquire [Y1]
            var inUse = (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->InUseLine.Value, Site.HeapFigures)); // order: a figure [H1]
            var budget = Math.Min(Math.Max(inUse >> Shift, MediumFloorBytes), Budget(heap) / 2);
            slots = Math.Min(slots, granted >= budget ? 0 : (int)((budget - granted) / (ulong)slotSize));
            if (slots == 0 || TAtomics.CompareExchangeAcqRel(&heap->MediumGrantedLine.Value, granted, granted + ((ulong)slots * (ulong)slotSize), Site.GrantTake)) // order: a sum; the compare-exchange keeps it within the bound [Y1]
                return slots;
        }
    }

    /// <summary>Takes back what <see cref="TakeMedium"/> gave.</summary>
    public static void ReturnMedium(Heap* heap, int slots, int slotSize)
    {
        if (slots != 0)
            TAtomics.FetchAddAcqRel(&heap->MediumGrantedLine.Value, 0 - ((ulong)slots * (ulong)slotSize), Site.GrantReturn); // order: a sum; whose slots the bytes were went home before [Y1]
    }

    /// <summary>Takes back the grant of a magazine that holds nothing any more.</summary>
    public static void Return(Heap* heap, CacheRecord* record, ulong bytes)
    {
        var atHand = AtHand(record) + bytes;
        Keep(record, atHand);
        if (atHand > 2 * AheadBytes)
            Settle(heap, record, AheadBytes);
    }

    /// <summary>Gives back what the record has at hand beyond <paramref name="keep"/> bytes.</summary>
    public static void Settle(Heap* heap, CacheRecord* record, ulong keep = 0)
    {
        var atHand = AtHand(record);
        if (atHand <= keep)
            return;
        Keep(record, keep); // First: who stops in between leaves a grant too many, not one that two have.
        TAtomics.FetchAddAcqRel(&heap->CacheGrantedLine.Value, keep - atHand, Site.GrantReturn); // order: a sum; whose slots the bytes were went home before [Y1]
    }

    /// <summary>A new owner's record has nothing at hand.</summary>
    public static void Reset(CacheRecord* record) => Keep(record, 0);

    /// <summary>The record's own word, through the seam: a claimer settles it while its owner sleeps, so the explorer has to see who touches it.</summary>
    private static ulong AtHand(CacheRecord* record) => TAtomics.ReadPlain(&record->Grant, Site.GrantRead);

    private static void Keep(CacheRecord* record, ulong bytes) => TAtomics.WritePlain(&record->Grant, bytes, Site.GrantWrite);

    /// <summary>Adds what is needed or what there is, if that makes a single slot at least: less would lie about unused. Returns the bytes added.</summary>
    private static ulong Extend(Heap* heap, ulong atHand, ulong need, ulong slotSize)
    {
        for (; ; )
        {
            var granted = TAtomics.LoadAcquire(&heap->CacheGrantedLine.Value, Site.GrantLoad); // order: acquire [Y1]
            var budget = Budget(heap);
            if (granted >= budget || atHand + (budget - granted) < slotSize)
                return 0;
            var free = budget - granted;
            var caches = TAtomics.LoadAcquire(&heap->RecordCountLine.Value, Site.HeapFigures) + 1; // order: a figure [H1]
            var ahead = Math.Min(Math.Min(free / 8, AheadBytes), (budget >> AheadShift) / caches);
            var bytes = Math.Min(free, Math.Max(need, ahead));

            // order: a sum; the compare-exchange keeps it within the budget [Y1]
            if (TAtomics.CompareExchangeAcqRel(&heap->CacheGrantedLine.Value, granted, granted + bytes, Site.GrantTake))
                return bytes;
        }
    }
}
