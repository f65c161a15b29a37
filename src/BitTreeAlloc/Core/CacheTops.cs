using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the three words of a class in a cache record, top, limit and spare, off the hit path: how magazines are loaded, unloaded, put aside and sent home.
/// Invariants: I-C5 limits are armed by exchange only: a plain store could swallow a signal that stands in between. I-C7 a spare is put by the owner, where there is none, and taken by one exchange. I-C10 no top points into a magazine that somebody else may own.
/// Callers: CacheSlowPath as owner, Reclaimer as claimer (spares: anybody). Checked by: the explorer's trim, spare and claim scenarios.
/// </summary>
internal static unsafe class CacheTops<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>The top of the loaded magazine, or the record's own sentinel. Owner or claimer.</summary>
    public static ulong* Load(CacheRecord* record, int sizeClass) => (ulong*)TAtomics.ReadPlain((ulong*)CacheRecord.Top(record, sizeClass), Site.TopRead);

    /// <summary>Moves the top inside the loaded magazine. Owner.</summary>
    public static void Store(CacheRecord* record, int sizeClass, ulong* top) => TAtomics.WritePlain((ulong*)CacheRecord.Top(record, sizeClass), (ulong)top, Site.TopWrite);

    /// <summary>The magazine of a top, or null where it is the record's sentinel.</summary>
    public static ulong* MagazineOf(CacheRecord* record, ulong* top) => top == CacheRecord.EmptyTop(record) ? null : Magazine.Of<TGeometry>(top);

    /// <summary>Loads a magazine and arms its limit. A signal that stood there is not lost: a slow path looks at the generation when it ends. Owner.</summary>
    public static void Arm(CacheRecord* record, int sizeClass, ulong* top)
    {
        Store(record, sizeClass, top);
        var magazine = Magazine.Of<TGeometry>(top);
        SetLimit(record, sizeClass, (ulong)(Magazine.EmptyTop(magazine) + Magazines<TAtomics, TGeometry>.SlotsOf(magazine)));
    }

    /// <summary>Takes the loaded magazine out of its class. Owner or claimer.</summary>
    public static bool TryUnload(CacheRecord* record, int sizeClass, out ulong* top)
    {
        top = Load(record, sizeClass);
        if (top == CacheRecord.EmptyTop(record))
            return false;
        Store(record, sizeClass, CacheRecord.EmptyTop(record));
        SetLimit(record, sizeClass, 0);
        return true;
    }

    /// <summary>Nothing is loaded and nothing put aside. A new owner, before the state says so; or the end of the heap.</summary>
    public static void Reset(CacheRecord* record, int sizeClass)
    {
        Store(record, sizeClass, CacheRecord.EmptyTop(record));
        TAtomics.StoreRelease(CacheRecord.Limit(record, sizeClass), 0, Site.LimitReset); // order: release: a signal to the last owner may come meanwhile, and says the same [G3]
        TAtomics.StoreRelease(CacheRecord.Spare(record, sizeClass), 0, Site.SpareReset); // order: release: somebody may look for a spare of the last owner meanwhile, and finds none [G3]
    }

    /// <summary>Whether there is a spare, at this moment.</summary>
    public static bool HasSpare(CacheRecord* record, int sizeClass) => TAtomics.LoadAcquire(CacheRecord.Spare(record, sizeClass), Site.SpareLook) != 0; // order: acquire; a look [S3]

    /// <summary>Takes the spare: of two one gets it. Anybody.</summary>
    public static bool TryTakeSpare(CacheRecord* record, int sizeClass, out ulong* top)
    {
        top = null;
        if (!HasSpare(record, sizeClass))
            return false;
        top = (ulong*)TAtomics.ExchangeAcqRel(CacheRecord.Spare(record, sizeClass), 0, Site.SpareTake); // order: acquire: what the owner put into the magazine [S3]
        return top != null;
    }

    /// <summary>Puts a magazine aside where none is, and has another one loaded before anybody can take it. Owner: nobody else ever fills the word, so a store is enough.</summary>
    public static void PutSpare(CacheRecord* record, int sizeClass, ulong* top, ulong* loaded)
    {
        Store(record, sizeClass, loaded);
        TAtomics.StoreRelease(CacheRecord.Spare(record, sizeClass), (ulong)top, Site.SparePut); // order: release: the slots in the magazine [S3]
    }

    /// <summary>Sends what a magazine holds home, and the magazine to the empty ones, through the hands of <paramref name="hands"/>. Returns the slots.</summary>
    public static int SendHome(CacheRecord* hands, int sizeClass, ulong* top)
    {
        var heap = hands->Heap;
        var count = Magazine.CountTo<TGeometry>(top);
        var magazine = Magazine.Of<TGeometry>(top);
        var outcome = Homecoming<TAtomics, TGeometry>.Give(heap, hands, sizeClass, magazine + Magazine.HeaderWords, count);
        if (outcome != Outcome.Ok)
            hands->News = (ulong)outcome;
        hands->Flushes++;
        Magazines<TAtomics, TGeometry>.GiveEmpty(heap, hands, sizeClass, magazine);
        return count;
    }

    private static void SetLimit(CacheRecord* record, int sizeClass, ulong limit) =>
        TAtomics.ExchangeAcqRel(CacheRecord.Limit(record, sizeClass), limit, Site.LimitArm); // order: acquire takes the generation that stands behind a signal we overwrite [G2]
}
