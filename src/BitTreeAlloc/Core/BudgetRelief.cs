using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what is done when the byte budget of the caches is used up again and again: idle caches and full magazines that nobody takes give theirs back, so that caches that came first and
/// sleep cannot leave the others to work one slot at a time for ever.
/// Invariants: I-Y3 after a refusal, each idle ambient cache is looked at within 64 refusals for every few records of the heap, twice at most. Nobody waits; the work of one call is bounded.
/// Callers: CacheSlowPath when it leaves, with nothing in its hands but the record's busy word. Checked by: a test with more sleeping threads than the budget has magazines.
/// </summary>
/// <remarks>A cache that was used since the last look is passed over once and its mark taken, as on a clock's second chance; so caches at work do not steal from each other.</remarks>
internal static unsafe class BudgetRelief<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const int MaxLooks = 8;

    /// <summary>Looks at the next few records in turn until one gives something, and at as many recyclers. What they give is the caller's next grant.</summary>
    public static void Relieve(CacheRecord* hands)
    {
        var heap = hands->Heap;
        var turn = hands->ReliefDue * MaxLooks;
        hands->ReliefDue = 0;
        for (var look = 0u; look < MaxLooks; look++)
        {
            var sizeClass = 1 + (int)((turn + look) % SizeClasses.Last);
            var full = Magazines<TAtomics, TGeometry>.TryTakeFull(heap, sizeClass);
            if (full == null)
                continue;
            CacheTops<TAtomics, TGeometry>.SendHome(hands, sizeClass, Magazine.EmptyTop(full) + heap->Classes[sizeClass].MagazineSlots);
            break;
        }

        var flushed = 0L;
        for (var look = 0; look < MaxLooks && flushed == 0; look++)
        {
            var record = CacheRegistry<TAtomics, TGeometry>.NextInTurn(heap);
            if (record == null)
                return;
            if (record != hands && CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap) && Decay<TAtomics, TGeometry>.IsIdle(record, out var ticks))
                Decay<TAtomics, TGeometry>.Shrink(heap, record, hands, int.MaxValue, ticks, ref flushed);
        }
    }
}
