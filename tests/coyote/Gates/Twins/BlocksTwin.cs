using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Explorer.Gates.Twins;

/// <summary>The steps on a block as they would be written without a seam. The trees below are the shipped ones: they have a twin of their own. Compiled and compared, never run.</summary>
internal static unsafe class BlocksTwin
{
    public static bool TryClaim(Space* space, ulong block, int sizeClass, int capacity, out BlockWord held)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(Volatile.Read(ref *address));
            if (word.CanClaimFor(sizeClass) && word.IsAvailable(capacity))
            {
                held = word.Claim();
                if (Interlocked.CompareExchange(ref *address, held.Raw, word.Raw) == word.Raw)
                    return true;
            }
            else if (Interlocked.CompareExchange(ref *address, word.Raw, word.Raw) == word.Raw)
            {
                held = default;
                return false;
            }
        }
    }

    public static void Release(Space* space, ulong block, in ClassInfo info, int taken, int carved)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(Volatile.Read(ref *address));
            var next = word.Release(taken, carved);
            if (Interlocked.CompareExchange(ref *address, next.Raw, word.Raw) != word.Raw)
                continue;
            if (next.IsAvailable(info.Capacity) && !BitTree<Atomics.HardwareAtomics, ShippedGeometry>.IsSet(&space->Trees, info.Column, block))
                BitTree<Atomics.HardwareAtomics, ShippedGeometry>.Set(&space->Trees, info.Column, block);
            return;
        }
    }

    public static BlockHome CountFree(Space* space, ulong block, int sizeClass, in ClassInfo info, int count, bool mayHold, out int cursor)
    {
        var address = space->Words + block;
        for (; ; )
        {
            var word = new BlockWord(Volatile.Read(ref *address));
            if (word.Phase != BlockPhase.InUse || word.Class != sizeClass)
            {
                cursor = 0;
                return BlockHome.Gone;
            }

            var next = word.Give(count);
            cursor = word.Cursor;
            var allHome = !word.IsClaimed && !word.NeedsCommit && next.IsAllHome;
            if (allHome && mayHold)
                next = next.Claim();
            if (Interlocked.CompareExchange(ref *address, next.Raw, word.Raw) != word.Raw)
                continue;
            if (allHome && mayHold)
                return BlockHome.Held;
            if (!word.IsClaimed && (!word.IsAvailable(info.Capacity) || !BitTree<Atomics.HardwareAtomics, ShippedGeometry>.IsSet(&space->Trees, info.Column, block)))
                BitTree<Atomics.HardwareAtomics, ShippedGeometry>.Set(&space->Trees, info.Column, block);
            return allHome ? BlockHome.AllHome : BlockHome.Partly;
        }
    }
}
