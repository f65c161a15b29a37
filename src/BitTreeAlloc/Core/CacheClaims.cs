using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the right to empty an ambient cache whose owner sleeps or is gone, without a fence on the owner's path. The owner says "inside" by a plain store and then looks for a claim;
/// a reclaimer claims, makes every thread pass a fence, and then looks for "inside": one of the two sees the other (DESIGN section 7; docs/design/idle-caches.md).
/// Invariants: I-K1 between a claim of a quiet record and its end only the claimer touches tops and magazines. I-K2 an owner that finds its record claimed hands it over and takes another:
/// nobody waits. I-K3 a tenure is ended once, by the owner, by whoever finds it dead, or by the claimer it was handed to.
/// Callers: the ambient hit path (Api) as owner; Reclaimer, adoption of dead owners' caches. Checked by: the explorer's claim scenarios; a disassembly test holds the owner's store before its load.
/// </summary>
/// <remarks>The claim word is tenure · 4 + phase. The tenure grows when a record is given back, so a look at an earlier owner's record can never end in a claim of the next one's.</remarks>
internal static unsafe class CacheClaims<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>The owner is not in a call, and was not since the last tick.</summary>
    public const ulong Outside = 0;

    /// <summary>The owner is in a call.</summary>
    public const ulong Inside = 1;

    /// <summary>The owner is not in a call, and was since the last tick.</summary>
    public const ulong Used = 2;

    private const ulong Claimed = 1;
    private const ulong Abandoned = 2;
    private const ulong PhaseMask = 3;
    private const ulong TenureStep = 4;

    /// <summary>Owner: says that it will enter and leave from now on, so that the record may be claimed. What <see cref="CacheRecord.OwnerHandle"/> names is written before.</summary>
    public static void BeginAmbient(CacheRecord* record) =>
        TAtomics.StoreRelease(&record->IsAmbient, 1, Site.RecordKind); // order: release: the owner's handle, for who looks whether it is dead [K4]

    /// <summary>Whether the owner of a record of that heap, in that tenure, is one that enters and leaves; then its handle may be read.</summary>
    public static bool IsAmbient(Heap* heap, CacheRecord* record, ulong tenure) =>
        TenureOf(record) == tenure
        && TAtomics.LoadAcquire(&record->State, Site.RecordState) == (ulong)heap // order: acquire, after the tenure: not the state of an earlier one [K3]
        && TAtomics.LoadAcquire(&record->IsAmbient, Site.RecordKind) != 0; // order: acquire: the owner's handle [K4]

    /// <summary>Owner: begins a call. False: somebody claims the record; the owner is still inside, and <see cref="TryHandOver"/> is next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnter(CacheRecord* record)
    {
        // order: release, and no fence behind it: the reclaimer's process-wide fence stands for the one between this store and the load below [K1]
        TAtomics.StoreRelease(&record->Active, Inside, Site.OwnerEnter);

        // order: acquire: what the last claimer did to the cache [K2]
        return (TAtomics.LoadAcquire(&record->Claim, Site.OwnerLook) & PhaseMask) == 0;
    }

    /// <summary>Owner: ends a call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(CacheRecord* record) =>
        TAtomics.StoreRelease(&record->Active, Used, Site.OwnerLeave); // order: release: a claimer that sees it sees the tops and the magazines [K1]

    /// <summary>Owner, inside, that found a claim: the record belongs to the claimer from here on. False where the claim has ended meanwhile.</summary>
    public static bool TryHandOver(CacheRecord* record)
    {
        var word = TAtomics.LoadAcquire(&record->Claim, Site.OwnerLook); // order: acquire [K2]

        // order: release: the claimer sees all that the owner did; acquire is not needed, nothing is read after it [K2]
        return (word & PhaseMask) == Claimed && TAtomics.CompareExchangeAcqRel(&record->Claim, word, word + Abandoned - Claimed, Site.ClaimHandOver);
    }

    /// <summary>Claims a record of an ambient cache of that heap whose owner is outside. Only <see cref="IsQuiet"/> tells whether the claimer may touch it.</summary>
    public static bool TryClaim(Heap* heap, CacheRecord* record, out ulong claim)
    {
        // order: acquire, before the state: a tenure that has ended shows the state that ended it, or a later one [K3]
        var word = TAtomics.LoadAcquire(&record->Claim, Site.ClaimLoad);
        claim = word | Claimed;
        if ((word & PhaseMask) != 0 || HeapOs<TAtomics>.IsSealed(heap)) // The fence is a call to the system.
            return false;
        if (TAtomics.LoadAcquire(&record->State, Site.RecordState) != (ulong)heap) // order: acquire: the owner's initialisation [G3]
            return false;
        if (TAtomics.LoadAcquire(&record->IsAmbient, Site.RecordKind) == 0 || TAtomics.LoadAcquire(&record->Active, Site.OwnerState) == Inside) // order: acquire; a look that saves the fence [K1]
            return false;
        return TAtomics.CompareExchangeAcqRel(&record->Claim, word, claim, Site.ClaimTake); // order: release: before the fence; acquire: the claimer before [K2]
    }

    /// <summary>Claimer: whether the owner is outside and will find the claim before it touches the cache.</summary>
    public static bool IsQuiet(CacheRecord* record)
    {
        // order: full, in every thread: an owner whose look at the claim came before it has its "inside" visible after it [K1]
        TAtomics.FenceProcessWide(Site.ClaimFence);
        return TAtomics.LoadAcquire(&record->Active, Site.OwnerState) != Inside; // order: acquire: the owner's tops and magazines [K1]
    }

    /// <summary>Claimer: gives the record back to its owner. False: the owner has handed it over, and the claimer has to end its tenure.</summary>
    public static bool TryUnclaim(CacheRecord* record, ulong claim) =>
        TAtomics.CompareExchangeAcqRel(&record->Claim, claim, claim & ~PhaseMask, Site.ClaimEnd); // order: release: the emptied tops; acquire: the owner that handed over [K2]

    /// <summary>
    /// For an owner that leaves, or for one who knows that the owner is dead: takes the record out of a tenure. True: the caller has it, and has to flush it and give it back.
    /// False: the tenure has ended, or a claimer has the record and will.
    /// </summary>
    public static bool TryEndTenure(CacheRecord* record, ulong tenure)
    {
        for (; ; )
        {
            var word = TAtomics.LoadAcquire(&record->Claim, Site.ClaimLoad); // order: acquire [K3]
            if ((word & ~PhaseMask) != tenure || (word & PhaseMask) == Abandoned)
                return false;
            if ((word & PhaseMask) == 0)
            {
                // order: acquire: the claimer before [K2]
                if (TAtomics.CompareExchangeAcqRel(&record->Claim, word, word | Claimed, Site.ClaimTake))
                    return true;
            }
            else if (TAtomics.CompareExchangeAcqRel(&record->Claim, word, word + Abandoned - Claimed, Site.ClaimHandOver))
            {
                // order: release: the claimer sees all that the owner did [K2]
                return false;
            }
        }
    }

    /// <summary>The tenure of whoever owns the record now.</summary>
    public static ulong TenureOf(CacheRecord* record) => TAtomics.LoadAcquire(&record->Claim, Site.ClaimLoad) & ~PhaseMask; // order: acquire [K3]

    /// <summary>Begins the next tenure on a record that the caller alone has and whose state says that nobody owns it.</summary>
    public static void NextTenure(CacheRecord* record)
    {
        TAtomics.StoreRelease(&record->Active, Outside, Site.OwnerLeave); // order: release [K1]
        var word = TAtomics.LoadAcquire(&record->Claim, Site.ClaimLoad); // order: acquire [K3]

        // order: release, after the state: who sees this tenure sees that the last one has ended [K3]. A store: only tenure's end may change a word that is not free
        TAtomics.StoreRelease(&record->Claim, (word & ~PhaseMask) + TenureStep, Site.ClaimNext);
    }

    /// <summary>Whether the owner was in a call since this was asked last; for one ambient cache, by whoever ticks.</summary>
    public static bool WasUsed(CacheRecord* record)
    {
        var state = TAtomics.LoadAcquire(&record->Active, Site.OwnerState); // order: acquire; a figure [H1]

        // order: an exchange of Used alone: an owner that enters meanwhile stays inside [K1]
        return state == Inside || (state == Used && TAtomics.CompareExchangeAcqRel(&record->Active, Used, Outside, Site.OwnerForget));
    }
}
