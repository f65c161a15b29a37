using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what happens when a loaded magazine is full: it shares its slots with the spare, so that it is half full afterwards, or a full spare goes to the recycler, or slots go home.
/// Invariants: I-C8 from one call here to the next, or to the next refill, lie calls in the number of half a magazine but for two in a row: whoever walks to and fro at any fill level pays for
/// a slow path no more often. I-C9 a spare holds one slot at least, and may be partly full; what goes to the recycler is full.
/// Callers: CacheSlowPath, inside the busy word. Checked by: property tests, a test that walks around each fill level and counts; the explorer's cache and trim scenarios.
/// </summary>
internal static unsafe class CacheOverflow<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Makes room for one slot at least behind the full magazine of <paramref name="top"/>. Returns the top of the magazine that is to be loaded.</summary>
    public static ulong* MakeRoom(CacheRecord* record, int sizeClass, ulong* top, out Outcome outcome)
    {
        var heap = record->Heap;
        var loaded = Magazine.Of<TGeometry>(top);
        outcome = Outcome.Ok;
        var mayHold = Magazines<TAtomics, TGeometry>.AllowedSlots(heap, sizeClass, out var withSpare);
        if (!withSpare || Magazines<TAtomics, TGeometry>.SlotsOf(loaded) != mayHold)
            return Flush(record, sizeClass, loaded, out outcome);
        if (!CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out var spare))
        {
            var half = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, sizeClass, out _);
            return half == null ? Flush(record, sizeClass, loaded, out outcome) : Split(record, sizeClass, top, half);
        }

        var room = mayHold - Magazine.CountTo<TGeometry>(spare);
        return room > 0 ? FillUp(record, sizeClass, top, spare, Math.Min(room, (mayHold + 1) / 2)) : PassOn(record, sizeClass, top, Magazine.Of<TGeometry>(spare), out outcome);
    }

    /// <summary>No spare: the newer half moves to another magazine, which is loaded; the older half is the spare. Where the budget gave the other one less, it is half full too.</summary>
    private static ulong* Split(CacheRecord* record, int sizeClass, ulong* top, ulong* other)
    {
        var count = Math.Min(Magazine.CountTo<TGeometry>(top), Magazines<TAtomics, TGeometry>.SlotsOf(other)) / 2;
        Move(top - count + 1, Magazine.EmptyTop(other) + 1, count);
        var loaded = Magazine.EmptyTop(other) + count;
        CacheTops<TAtomics, TGeometry>.PutSpare(record, sizeClass, top - count, loaded);
        return loaded;
    }

    /// <summary>A spare with room takes the oldest slots.</summary>
    private static ulong* FillUp(CacheRecord* record, int sizeClass, ulong* top, ulong* spare, int count)
    {
        var oldest = Magazine.EmptyTop(Magazine.Of<TGeometry>(top)) + 1;
        var left = Magazine.CountTo<TGeometry>(top) - count;
        Move(oldest, spare + 1, count);
        Move(oldest + count, oldest, left);
        CacheTops<TAtomics, TGeometry>.PutSpare(record, sizeClass, spare + count, top - count);
        return top - count;
    }

    /// <summary>Both are full: the spare goes to the recycler, or home, and the loaded one is the spare.</summary>
    private static ulong* PassOn(CacheRecord* record, int sizeClass, ulong* top, ulong* spare, out Outcome outcome)
    {
        var heap = record->Heap;
        outcome = Outcome.Ok;
        var empty = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, sizeClass, out _);
        if (empty != null)
        {
            record->SharedOperations++;
            if (!Magazines<TAtomics, TGeometry>.TryGiveFull(heap, sizeClass, spare))
            {
                Magazines<TAtomics, TGeometry>.GiveEmpty(heap, record, sizeClass, empty);
                empty = null;
            }
        }

        var loaded = Magazine.EmptyTop(empty != null ? empty : spare);
        CacheTops<TAtomics, TGeometry>.PutSpare(record, sizeClass, top, loaded);
        return empty != null ? loaded : Flush(record, sizeClass, spare, out outcome);
    }

    private static ulong* Flush(CacheRecord* record, int sizeClass, ulong* full, out Outcome outcome)
    {
        var heap = record->Heap;
        outcome = Homecoming<TAtomics, TGeometry>.Give(heap, record, sizeClass, full + Magazine.HeaderWords, Magazines<TAtomics, TGeometry>.SlotsOf(full));
        record->Flushes++;
        Magazines<TAtomics, TGeometry>.Extend(heap, record, sizeClass, full);
        return Magazine.EmptyTop(full);
    }

    /// <summary>Upwards, so that a magazine can be moved down onto itself.</summary>
    private static void Move(ulong* from, ulong* to, int count)
    {
        for (var i = 0; i < count; i++)
            TAtomics.WritePlain(to + i, TAtomics.ReadPlain(from + i, Site.MagazineRead), Site.MagazineWrite);
    }
}
