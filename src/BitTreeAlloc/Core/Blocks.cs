using System.Numerics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the steps on a block that is in use: claim, take, release, give (DESIGN section 5, T2–T4 and G1–G2).
/// Invariants: I-B1 only the holder of a block clears its slot bits. I-B2 a slot's bit is set before it is counted. I-B3 whoever makes a block available publishes its leaf, judged by
/// the value its own compare-exchange returned.
/// Callers: Supply (takes), Flush (gives), Sweeper; holding nothing but the block they claimed.
/// Checked by: property tests over the whole allocator; the explorer's block scenarios.
/// </summary>
internal static unsafe class Blocks<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>T2: takes hold of a block of that class that has something to give. False leaves no duty.</summary>
    public static bool TryClaim(Space* space, ulong block, int sizeClass, int capacity, out BlockWord held)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(TAtomics.LoadAcquire(address, Site.BlockLoad)); // order: acquire [B1]
            if (word.CanClaimFor(sizeClass) && word.IsAvailable(capacity))
            {
                held = word.Claim();

                // order: acquire takes the bits that were given and counted; release keeps the cleared leaf before it [B1]
                if (TAtomics.CompareExchangeAcqRel(address, word.Raw, held.Raw, Site.BlockClaim))
                    return true;
            }
            else if (TAtomics.CompareExchangeAcqRel(address, word.Raw, word.Raw, Site.BlockConfirm))
            {
                // order: giving up is a write too: a holder that releases later then sees that our leaf is cleared and sets it again [B1]
                held = default;
                return false;
            }
        }
    }

    /// <summary>As <see cref="TryClaim"/> for a block whose leaf the caller did not clear: a look is enough to give up.</summary>
    public static bool TryClaimUnpicked(Space* space, ulong block, int sizeClass, int capacity, out BlockWord held)
    {
        var address = space->Words + block;
        var word = new BlockWord(TAtomics.LoadAcquire(address, Site.BlockLoad)); // order: acquire [B1]
        held = word.Claim();
        return word.CanClaimFor(sizeClass) && word.IsAvailable(capacity)
            && TAtomics.CompareExchangeAcqRel(address, word.Raw, held.Raw, Site.BlockClaim); // order: as TryClaim [B1]
    }

    /// <summary>T3: takes up to <paramref name="wanted"/> counted free slots, lowest first. Returns how many.</summary>
    public static int TakeFree(Space* space, ulong block, in ClassInfo info, BlockWord held, ulong* slots, int wanted)
    {
        wanted = Math.Min(wanted, held.Free);
        if (wanted <= 0)
            return 0;
        var bitmap = space->Bitmaps + (block * (ulong)space->BitmapWords);
        var start = FirstSlot(space, block);
        var got = 0;
        for (var index = 0; got < wanted && index < space->BitmapWords; index++)
        {
            var word = TAtomics.LoadAcquire(bitmap + index, Site.BitmapLoad); // order: acquire; only we clear, so what is seen set stays set [B2]
            if (word == 0)
                continue;

            // Bits at or above the cursor can only come from slots freed twice at once: never handed out.
            var chosen = held.Cursor - (index << 6) >= 64 ? word : word & ((1ul << Math.Max(0, held.Cursor - (index << 6))) - 1);
            word = chosen;
            for (var surplus = BitOperations.PopCount(word) - (wanted - got); surplus > 0; surplus--)
                chosen &= ~(1ul << BitOperations.Log2(chosen));

            // order: acquire: the giver's last writes to the slot happen before the new owner's first [B2]
            TAtomics.FetchAndAcqRel(bitmap + index, ~chosen, Site.BitmapTake);
            for (; chosen != 0; chosen &= chosen - 1)
                TAtomics.WritePlain(slots + got++, start + ((ulong)((index << 6) + BitOperations.TrailingZeroCount(chosen)) * (ulong)info.SlotSize), Site.MagazineWrite);
        }

        return got;
    }

    /// <summary>T4: lets go after taking; publishes the block when it still has something.</summary>
    public static void Release(Space* space, ulong block, in ClassInfo info, int taken, int carved)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(TAtomics.LoadAcquire(address, Site.BlockLoad)); // order: acquire [B1]
            var next = word.Release(taken, carved);

            // order: release hands the cleared bits and the cursor to the next holder; acquire sees counts of gives since the claim [B1]
            if (!TAtomics.CompareExchangeAcqRel(address, word.Raw, next.Raw, Site.BlockRelease))
                continue;
            // Whoever cleared the leaf since wrote to the word as well (T2 gives up by a write): behind our own write the look is as good as an Or, and shares no line for writing.
            if (next.IsAvailable(info.Capacity) && !BitTree<TAtomics, TGeometry>.IsSet(&space->Trees, info.Column, block))
                BitTree<TAtomics, TGeometry>.Set(&space->Trees, info.Column, block);
            return;
        }
    }

    /// <summary>
    /// G1: sets the slots' bits, word by word. Returns how many were out until now; a shortfall is a double free.
    /// </summary>
    public static int SetBits(Space* space, ulong block, ulong* masks, int first, int last)
    {
        var bitmap = space->Bitmaps + (block * (ulong)space->BitmapWords);
        var set = 0;
        for (var index = first; index <= last; index++)
        {
            var mask = masks[index];
            if (mask == 0)
                continue;

            // order: release: our last writes to the slots come before; acquire is not needed, the value before only counts [B2]
            var before = TAtomics.FetchOrAcqRel(bitmap + index, mask, Site.BitmapGive);
            set += BitOperations.PopCount(mask & ~before);
        }

        return set;
    }

    /// <summary>
    /// G2: counts slots whose bits are set. When the last slot came home and <paramref name="mayHold"/>, the caller now holds the block and has to see it off (E1).
    /// </summary>
    public static BlockHome CountFree(Space* space, ulong block, int sizeClass, in ClassInfo info, int count, bool mayHold, out int cursor)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(TAtomics.LoadAcquire(address, Site.BlockLoad)); // order: acquire [B1]
            if (word.Phase != BlockPhase.InUse || word.Class != sizeClass)
            {
                // Slots freed twice at once: the other free emptied the block between our look and our bits.
                cursor = 0;
                return BlockHome.Gone;
            }

            var next = word.Give(count);
            cursor = word.Cursor;
            var allHome = !word.IsClaimed && !word.NeedsCommit && next.IsAllHome;
            if (allHome && mayHold)
                next = next.Claim();

            // order: release: the bits come before the count, so a taker that sees the count finds them; claimed in the same step, or an offer is dropped [B1]
            if (!TAtomics.CompareExchangeAcqRel(address, word.Raw, next.Raw, Site.BlockCount))
                continue;
            if (allHome && mayHold)
                return BlockHome.Held;
            if (!word.IsClaimed && (!word.IsAvailable(info.Capacity) || !BitTree<TAtomics, TGeometry>.IsSet(&space->Trees, info.Column, block)))
                BitTree<TAtomics, TGeometry>.Set(&space->Trees, info.Column, block);
            return allHome ? BlockHome.AllHome : BlockHome.Partly;
        }
    }

    /// <summary>Takes back bits that were set on a block that had left its class.</summary>
    public static void UndoBits(Space* space, ulong block, ulong* masks, int first, int last)
    {
        var bitmap = space->Bitmaps + (block * (ulong)space->BitmapWords);
        for (var index = first; index <= last; index++)
        {
            if (masks[index] != 0)
                TAtomics.FetchAndAcqRel(bitmap + index, ~masks[index], Site.BitmapUndo); // order: misuse; repairs what it can [B2]
        }
    }

    /// <summary>E1: the holder, with every slot home, takes the block out of its class and offers it to all.</summary>
    public static void Empty(Space* space, ulong block, int cursor)
    {
        ClearBitmap(space, block, cursor);

        // order: release publishes the cleared bitmap with the phase. A store: nobody else may change a claimed word whose slots are all home [B1]
        TAtomics.StoreRelease(space->Words + block, BlockWord.Emptied.Raw, Site.BlockEmpty);
        BitTree<TAtomics, TGeometry>.Set(&space->Trees, space->EmptyColumn, block);
    }

    /// <summary>Clears the bits below the cursor of a block that the caller holds with every slot home.</summary>
    public static void ClearBitmap(Space* space, ulong block, int cursor)
    {
        var bitmap = space->Bitmaps + (block * (ulong)space->BitmapWords);
        for (var index = 0; index << 6 < cursor; index++)
            TAtomics.StoreRelease(bitmap + index, 0, Site.BitmapClear); // order: held; published with the word [B1]
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FirstSlot(Space* space, ulong block) => (ulong)space->Data.Base + (block << space->BlockShift);
}

/// <summary>What a count came to.</summary>
internal enum BlockHome
{
    /// <summary>Slots are still out, or somebody else holds the block.</summary>
    Partly,

    /// <summary>The block left its class before the count: the slots had been freed before. Nothing was counted.</summary>
    Gone,

    /// <summary>Every slot is home; the block stays in its class.</summary>
    AllHome,

    /// <summary>Every slot is home and the caller holds the block.</summary>
    Held,
}
