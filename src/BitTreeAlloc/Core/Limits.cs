using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the charge of a heap (an upper bound of what it can hold resident) against the hard limit, the crossing of the soft limit, and the note that the Api turns into an event.
/// Invariants: I-L1 what counts is charged before it is committed or born and returned after it was purged or released, so the charge is never below what the heap may hold. I-L2 a charge that was
/// taken in vain is undone by who took it: at rest the charge is what a walk over the words says. I-L3 nothing is granted that would lie above the hard limit; of two racers both may fail.
/// Callers: Births, Sweeper, DirectMappings, HeapOs, Stretches (charges); PurgePolicy, Large (limits); holding at most their own claim.
/// Checked by: the explorer's limit scenarios; unit and property tests against the walk.
/// </summary>
internal static unsafe class Limits<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>The soft limit counts as fallen below, and the next sweep for it is due, in steps of this fraction of it.</summary>
    private const int StepShift = 4;
    private const ulong MinStepBytes = 64 << 10;

    /// <summary>Reserves <paramref name="bytes"/> of the charge. False, and nothing changed, where they would exceed the hard limit.</summary>
    public static bool TryCharge(Heap* heap, ulong bytes)
    {
        var limit = Load(&heap->HardLimitLine.Value); // order: a setting: an old one counts for one birth more [H1]

        // A look first: a request that cannot fit does not disturb those that can.
        if (limit != 0 && Load(&heap->ChargedLine.Value) + bytes > limit) // order: a figure; the add decides [H1]
            return false;

        // order: acquire: the purge or release that made the room comes before the commit that uses it [L1]
        var before = TAtomics.FetchAddAcqRel(&heap->ChargedLine.Value, bytes, Site.ChargeTake);
        if (limit == 0 || before + bytes <= limit)
            return true;
        Undo(heap, bytes);
        return false;
    }

    /// <summary>Takes back a charge for what did not come about.</summary>
    public static void Undo(Heap* heap, ulong bytes)
    {
        if (bytes != 0)
            TAtomics.FetchAddAcqRel(&heap->ChargedLine.Value, 0 - bytes, Site.ChargeUndo); // order: none needed: nothing was taken, so nothing is handed on [L1]
    }

    /// <summary>Returns the charge of memory that has gone back to the system.</summary>
    public static void Return(Heap* heap, ulong bytes)
    {
        if (bytes != 0)
            TAtomics.FetchAddAcqRel(&heap->ChargedLine.Value, 0 - bytes, Site.ChargeReturn); // order: release: the purge comes before whoever uses the room [L1]
    }

    /// <summary>Where a sweep may stop that makes room for <paramref name="bytes"/> under the hard limit, and for some more; 0 where all has to go.</summary>
    public static ulong SweepTarget(Heap* heap, ulong bytes)
    {
        var limit = Load(&heap->HardLimitLine.Value); // order: a setting [H1]
        var need = bytes + (limit >> StepShift);
        return limit > need ? limit - need : 0;
    }

    /// <summary>
    /// Before <paramref name="bytes"/> more are charged: whether they lie above the soft limit and this caller has to sweep for it, one caller for a step of growth. The first step of a crossing leaves
    /// the note. <paramref name="soft"/> is the limit that was met, <paramref name="due"/> what <see cref="Swept"/> wants to know.
    /// </summary>
    public static bool TryMeetSoft(Heap* heap, CacheRecord* record, ulong bytes, out ulong soft, out ulong due)
    {
        due = 0;
        soft = Load(&heap->SoftLimitLine.Value); // order: a setting [H1]
        if (soft == 0)
            return false;
        var charged = Load(&heap->ChargedLine.Value); // order: a figure [H1]
        var next = Load(&heap->SoftStepLine.Value); // order: a figure [H1]
        var step = Math.Max(soft >> StepShift, MinStepBytes);

        // Fallen below: the next crossing is news again. A step below, or every birth at the edge would be one.
        if (next != 0 && charged + step <= soft && TAtomics.CompareExchangeAcqRel(&heap->SoftStepLine.Value, next, 0, Site.SweeperEnter)) // order: a figure; one winner is enough [H1]
            next = 0;
        if (charged + bytes <= soft || charged + bytes < next)
            return false;
        due = charged + bytes + step;
        if (!TAtomics.CompareExchangeAcqRel(&heap->SoftStepLine.Value, next, due, Site.SweeperEnter)) // order: a figure; who loses goes on without [H1]
            return false;
        if (next != 0)
            return true;
        TAtomics.ExchangeAcqRel(&heap->LimitChargedLine.Value, charged + bytes, Site.LimitNote); // order: a figure [H1]
        TAtomics.ExchangeAcqRel(&heap->LimitNoteLine.Value, (ulong)record, Site.LimitNote); // order: read back by the same thread; another's note that stood here is this crossing's too [H1]
        return true;
    }

    /// <summary>After that sweep: the next is due a step above what is charged now. A limit that was set meanwhile begins anew.</summary>
    public static void Swept(Heap* heap, ulong soft, ulong bytes, ulong due)
    {
        var next = Load(&heap->ChargedLine.Value) + bytes + Math.Max(soft >> StepShift, MinStepBytes); // order: a figure [H1]
        if (next < due)
            TAtomics.CompareExchangeAcqRel(&heap->SoftStepLine.Value, due, next, Site.SweeperEnter); // order: a figure [H1]
    }

    /// <summary>Whether the call that used <paramref name="record"/> crossed the soft limit; true once. The note of another thread stays for that thread.</summary>
    public static bool TryTakeNote(Heap* heap, CacheRecord* record, out ulong charged)
    {
        charged = Load(&heap->LimitChargedLine.Value); // order: a figure: perhaps of a later crossing [H1]
        return Load(&heap->LimitNoteLine.Value) == (ulong)record // order: own note, or none of ours [H1]
            && TAtomics.CompareExchangeAcqRel(&heap->LimitNoteLine.Value, (ulong)record, 0, Site.LimitNote); // order: own note [H1]
    }

    /// <summary>Bytes charged now.</summary>
    public static ulong Charged(Heap* heap) => Load(&heap->ChargedLine.Value); // order: a figure [H1]

    /// <summary>Sets both limits' words; a new soft limit is crossed anew. Takes effect at the next birth.</summary>
    public static void Set(Heap* heap, ulong soft, ulong hard)
    {
        TAtomics.StoreRelease(&heap->HardLimitLine.Value, hard, Site.HeapFigures); // order: a setting [H1]
        if (Load(&heap->SoftLimitLine.Value) == soft) // order: a setting [H1]
            return;
        TAtomics.StoreRelease(&heap->SoftLimitLine.Value, soft, Site.HeapFigures); // order: a setting [H1]
        TAtomics.StoreRelease(&heap->SoftStepLine.Value, 0, Site.HeapFigures); // order: a figure [H1]
    }

    private static ulong Load(ulong* address) => TAtomics.LoadAcquire(address, Site.HeapFigures); // order: a figure [H1]
}
