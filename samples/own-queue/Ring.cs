using BitTreeAlloc.Atomics;

namespace OwnQueue;

/// <summary>A bounded queue for one producer and one consumer. Word 0 counts what was taken, word 1 what was put; the items follow.</summary>
public static unsafe class Ring<TAtomics>
    where TAtomics : struct, IAtomics
{
    public static bool TryPut(ulong* ring, ulong capacity, ulong item)
    {
        var put = TAtomics.LoadAcquire(ring + 1, Sites.OwnCount);
        if (put - TAtomics.LoadAcquire(ring, Sites.SeeTaken) == capacity)
            return false;
        TAtomics.WritePlain(ring + 2 + (put % capacity), item, Sites.Item);
        TAtomics.StoreRelease(ring + 1, put + 1, Sites.Publish);
        return true;
    }

    public static bool TryTake(ulong* ring, ulong capacity, out ulong item)
    {
        item = 0;
        var taken = TAtomics.LoadAcquire(ring, Sites.OwnCount);
        if (taken == TAtomics.LoadAcquire(ring + 1, Sites.SeePut))
            return false;
        item = TAtomics.ReadPlain(ring + 2 + (taken % capacity), Sites.Item);
        TAtomics.StoreRelease(ring, taken + 1, Sites.GiveBack);
        return true;
    }
}

/// <summary>Names of the places that touch shared words, as numbers of our own.</summary>
public static class Sites
{
    public const Site OwnCount = (Site)1001, SeeTaken = (Site)1002, SeePut = (Site)1003, Item = (Site)1004, Publish = (Site)1005, GiveBack = (Site)1006;
}
