using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: taking slots out of caches of other threads: spares by exchange from any cache, loaded magazines from ambient caches whose owner is outside (CacheClaims), everything from a cache
/// whose owner left it.
/// Invariants: I-K4 the reclaimer works through a guest record of its own; of the cache it touches tops, limits, spares and the grant at hand only, and everything where the owner handed it over.
/// Callers: Trimmer, Decay, BudgetRelief; holding nothing but, one at a time, a claim. Checked by: the explorer's claim and spare scenarios; memory tests with sleeping threads.
/// </summary>
internal static unsafe class Reclaimer<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>
    /// Sends up to <paramref name="magazines"/> magazines of a cache home through the hands of <paramref name="guest"/>, largest classes first. True when the cache is known to hold nothing
    /// beyond what it was left; false where the owner is inside or says nothing about it, so that it can only be asked.
    /// </summary>
    public static bool TryEmpty(Heap* heap, CacheRecord* record, CacheRecord* guest, int magazines, ref long flushed)
    {
        for (var sizeClass = SizeClasses.Last; sizeClass > 0 && magazines > 0; sizeClass--)
        {
            if (!CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out var spare))
                continue;
            flushed += CacheTops<TAtomics, TGeometry>.SendHome(guest, sizeClass, spare);
            magazines--;
        }

        if (magazines == 0)
            return true;
        if (!heap->ClaimIdle || !CacheClaims<TAtomics>.TryClaim(heap, record, out var claim))
            return false;
        var quiet = CacheClaims<TAtomics>.IsQuiet(record);
        if (quiet)
        {
            UnloadAll(record, guest, magazines, ref flushed);

            // What it took ahead of the budget would be nobody's until the owner wakes: hundreds of sleeping threads could hold all of it so.
            CacheBudget<TAtomics>.Settle(heap, record);
        }

        if (CacheClaims<TAtomics>.TryUnclaim(record, claim))
            return quiet;
        End(record, guest, ref flushed);
        return true;
    }

    /// <summary>Flushes a record whose tenure the caller ended, and gives it back.</summary>
    public static void End(CacheRecord* record, CacheRecord* guest, ref long flushed)
    {
        for (var sizeClass = SizeClasses.Last; sizeClass > 0; sizeClass--)
        {
            if (CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out var spare))
                flushed += CacheTops<TAtomics, TGeometry>.SendHome(guest, sizeClass, spare);
        }

        UnloadAll(record, guest, int.MaxValue, ref flushed);
        RegionSlots<TAtomics, TGeometry>.OfferOwn(guest->Heap, record);
        if (record->News != 0)
            guest->News = record->News;
        CacheRegistry<TAtomics, TGeometry>.Release(record);
    }

    /// <summary>As <see cref="End(CacheRecord*, CacheRecord*, ref long)"/> with hands of its own. What an earlier free of the dead owner did wrong is returned.</summary>
    public static Outcome End(CacheRecord* record)
    {
        CacheRecord guest;
        CacheRecord.InitGuest(&guest, record->Heap);
        var flushed = 0L;
        End(record, &guest, ref flushed);
        CacheRegistry<TAtomics, TGeometry>.SettleFigures(&guest);
        return (Outcome)guest.News;
    }

    private static void UnloadAll(CacheRecord* record, CacheRecord* guest, int magazines, ref long flushed)
    {
        for (var sizeClass = SizeClasses.Last; sizeClass > 0 && magazines > 0; sizeClass--)
        {
            if (!CacheTops<TAtomics, TGeometry>.TryUnload(record, sizeClass, out var top))
                continue;
            flushed += CacheTops<TAtomics, TGeometry>.SendHome(guest, sizeClass, top);
            magazines--;
        }
    }
}
