using System.Numerics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Tests.Explorer.Gates.Twins;

/// <summary>The bit-tree as it would be written without a seam, for the shape that ships. Compiled and compared, never run.</summary>
internal static unsafe class BitTreeTwin
{
    private const int SummaryLevel = 3;

    public static void Set(TreeView* view, int column, ulong block)
    {
        var leaf = Word(view, 0, block >> ShippedGeometry.WordShift, column);
        var bit = BitOf(block);
        var before = Interlocked.Or(ref *leaf, bit);
        SetParents(view, column, 1, block >> ShippedGeometry.WordShift, before);
    }

    public static bool TryPick(TreeView* view, int column, out ulong block)
    {
        for (; ; )
        {
            var summary = Volatile.Read(ref *Word(view, SummaryLevel, 0, column));
            if (summary == 0)
            {
                block = 0;
                return false;
            }

            var tree = (ulong)(uint)BitOperations.TrailingZeroCount(summary);
            var top = Volatile.Read(ref *Word(view, 2, tree, column));
            if (top == 0)
            {
                ClearParents(view, column, 2, tree);
                continue;
            }

            var middleIndex = (tree << TopShift) | (ulong)(uint)BitOperations.TrailingZeroCount(top);
            var middle = Volatile.Read(ref *Word(view, 1, middleIndex, column));
            if (middle == 0)
            {
                ClearParents(view, column, 1, middleIndex);
                continue;
            }

            var leafIndex = (middleIndex << ShippedGeometry.WordShift) | (ulong)(uint)BitOperations.TrailingZeroCount(middle);
            if (TryPickLeaf(view, column, leafIndex, out block))
                return true;
        }
    }

    private static bool TryPickLeaf(TreeView* view, int column, ulong leafIndex, out ulong block)
    {
        var address = Word(view, 0, leafIndex, column);
        for (; ; )
        {
            var leaf = Volatile.Read(ref *address);
            if (leaf == 0)
            {
                ClearParents(view, column, 0, leafIndex);
                block = 0;
                return false;
            }

            var bit = leaf & (0 - leaf);
            if (Interlocked.CompareExchange(ref *address, leaf & ~bit, leaf) != leaf)
                continue;
            if (leaf == bit)
                ClearParents(view, column, 0, leafIndex);
            block = (leafIndex << ShippedGeometry.WordShift) | (ulong)(uint)BitOperations.TrailingZeroCount(bit);
            return true;
        }
    }

    private static void SetParents(TreeView* view, int column, int level, ulong index, ulong childBefore)
    {
        for (; level <= SummaryLevel; level++)
        {
            var shift = ShiftOf(level);
            var bit = 1ul << (int)(index & ((1ul << shift) - 1));
            index >>= shift;
            var address = Word(view, level, index, column);
            var before = childBefore == 0 ? Interlocked.Or(ref *address, bit) : Volatile.Read(ref *address);
            if (childBefore != 0 && (before & bit) == 0)
                before = Interlocked.Or(ref *address, bit);
            childBefore = before;
        }
    }

    private static void ClearParents(TreeView* view, int column, int level, ulong index)
    {
        for (; level < SummaryLevel; level++)
        {
            var shift = ShiftOf(level + 1);
            var bit = 1ul << (int)(index & ((1ul << shift) - 1));
            var parent = index >> shift;
            var above = Word(view, level + 1, parent, column);
            var mask = ~bit;
            var before = Interlocked.And(ref *above, mask);
            var address = Word(view, level, index, column);
            if (Volatile.Read(ref *address) != 0)
            {
                SetParents(view, column, level + 1, index, 0);
                return;
            }

            if ((before & ~bit) != 0)
                return;
            index = parent;
        }
    }

    private static int TopShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ShippedGeometry.TreeShift - (2 * ShippedGeometry.WordShift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ShiftOf(int level) => level == 2 ? TopShift : ShippedGeometry.WordShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BitOf(ulong block) => 1ul << (int)(block & ((1ul << ShippedGeometry.WordShift) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong* Word(TreeView* view, int level, ulong index, int column)
    {
        var row = level switch { 0 => view->Leaves, 1 => view->Middles, 2 => view->Tops, _ => view->Summaries };
        return row + (index * view->Columns) + (ulong)column;
    }
}
