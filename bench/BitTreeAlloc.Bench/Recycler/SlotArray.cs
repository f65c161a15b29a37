using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Bench.Recycler;

/// <summary>
/// A recycler that was tried against the stack: an array of places, each empty (0) or an item's address. Every call looks at each place at most once, so all of them are wait-free:
/// a give or a take ends after at most two operations per place, whatever others do. Decided in docs/adr/0009-recycler-variants.md.
/// </summary>
/// <remarks>
/// <para>What it promises. It is a bag: no order. Safety: what is taken was given before and is taken once, and the taker sees what the giver wrote. "Empty" and "full" are answers of a scan,
/// not of a moment: an item that lies in the array during the whole of a take is found by it, and a place that stays empty during the whole of a give is found; but "empty" may be answered though
/// at every moment some item lay there (one was given behind the scan before another was taken in front of it). So it is not linearizable to a bag; a test keeps the history that shows it.</para>
/// <para>For a recycler that is enough: after a false "empty" the cache refills from blocks, after a false "full" a magazine goes home. Both cost time, neither loses a slot. Where nobody else is at
/// work both answers are exact, so a flush at rest finds everything.</para>
/// <para>No ABA: nothing is read through an item before it is owned, and a place that is 0 again is empty again. An item needs no header words.</para>
/// </remarks>
public static unsafe class SlotArray<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Puts an item into the first empty place from <paramref name="hint"/> upwards; false where each place was seen full. <paramref name="count"/> is a power of two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(ulong* places, uint count, ref uint hint, ulong item)
    {
        for (var step = 0u; step < count; step++)
        {
            var number = (hint + step) & (count - 1);

            // A look first: a compare-exchange that fails takes the line away from its owner all the same.
            // Release publishes the item's words to whoever takes it.
            if (TAtomics.LoadAcquire(places + number, SlotSites.GiveLook) == 0 && TAtomics.CompareExchangeAcqRel(places + number, 0, item, SlotSites.Give))
            {
                hint = number;
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes the first item from <paramref name="hint"/> downwards, or 0 where each place was seen empty. After a give by the same thread it looks first where that one put its item.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TryTake(ulong* places, uint count, ref uint hint)
    {
        for (var step = 0u; step < count; step++)
        {
            var number = (hint - step) & (count - 1);
            var item = TakeAt(places, number);
            if (item != 0)
            {
                hint = number;
                return item;
            }
        }

        return 0;
    }

    /// <summary>Takes what lies at one place, or 0. Called for every place it empties the array, one item at a time: what is given behind it meanwhile stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TakeAt(ulong* places, uint number)
    {
        if (TAtomics.LoadAcquire(places + number, SlotSites.TakeLook) == 0)
            return 0;
        return TAtomics.ExchangeAcqRel(places + number, 0, SlotSites.Take); // acquire takes what the giver wrote; 0 where another taker came first
    }

    /// <summary>Places that were seen full: a figure, exact at rest.</summary>
    public static uint Depth(ulong* places, uint count)
    {
        var depth = 0u;
        for (var number = 0u; number < count; number++)
            depth += TAtomics.LoadAcquire(places + number, SlotSites.Count) != 0 ? 1u : 0;
        return depth;
    }
}

/// <summary>The places of the code that touch shared words, as numbers beside those of the library.</summary>
public static class SlotSites
{
    public const Site GiveLook = (Site)2001, Give = (Site)2002, TakeLook = (Site)2003, Take = (Site)2004, Count = (Site)2005;
}
