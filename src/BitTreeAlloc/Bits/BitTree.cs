using System.Numerics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Bits;

/// <summary>
/// Owns: the words of a chain of three-level bit-trees. A set leaf is a hint with a duty: whoever clears it looks at the block, whoever makes the block available sets it.
/// Invariants: I-T1 at rest, an available block's leaf, middle, top and summary bits are set. I-T2 a parent's bit is cleared only by one who then reads the child again.
/// Callers: anyone, at any time, holding nothing. Lock-free: a loop repeats only after another thread changed the word.
/// Checked by: unit tests against a sorted set; the explorer's tree scenarios.
/// </summary>
/// <remarks>Rejected: setting the parent only after a load shows it clear. That is store buffering: two threads each miss the other's write and a subtree is lost (DESIGN section 5).</remarks>
public static unsafe class BitTree<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Levels above the leaves: middle, top, summary.</summary>
    private const int SummaryLevel = 3;

    /// <summary>Most trees that one summary word chains.</summary>
    public static int MaxTrees => 1 << TGeometry.WordShift;

    /// <summary>S1: publishes a block. Unconditional on the leaf, and on each parent whose child was empty.</summary>
    public static void Set(TreeView* view, int column, ulong block)
    {
        // order: release, so that a picker that sees the leaf sees the word that made the block available; acquire, because the value before decides about the parent [T1]
        var before = TAtomics.FetchOrAcqRel(Word(view, 0, block >> TGeometry.WordShift, column), BitOf(block), Site.TreeSetLeaf);
        SetParents(view, column, 1, block >> TGeometry.WordShift, before);
    }

    /// <summary>Whether the block's leaf is set now: a hint about a hint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSet(TreeView* view, int column, ulong block) =>
        // order: acquire; a stale answer costs one superfluous Set or leaves the duty with whoever cleared the leaf [T1]
        (TAtomics.LoadAcquire(Word(view, 0, block >> TGeometry.WordShift, column), Site.TreePeekLeaf) & BitOf(block)) != 0;

    /// <summary>T1: finds the lowest set leaf and clears it. False only when a summary of 0 was read.</summary>
    public static bool TryPick(TreeView* view, int column, out ulong block)
    {
        for (; ; )
        {
            // order: acquire down the levels; a stale 0 hides what is being set right now (harmless: Sweep runs before memory is declared short) [T2]
            var summary = TAtomics.LoadAcquire(Word(view, SummaryLevel, 0, column), Site.TreePickSummary);
            if (summary == 0)
            {
                block = 0;
                return false;
            }

            var tree = (ulong)(uint)BitOperations.TrailingZeroCount(summary);
            var top = TAtomics.LoadAcquire(Word(view, 2, tree, column), Site.TreePickTop); // order: acquire [T2]
            if (top == 0)
            {
                ClearParents(view, column, 2, tree);
                continue;
            }

            var middleIndex = (tree << TopShift) | (ulong)(uint)BitOperations.TrailingZeroCount(top);
            var middle = TAtomics.LoadAcquire(Word(view, 1, middleIndex, column), Site.TreePickMiddle); // order: acquire [T2]
            if (middle == 0)
            {
                ClearParents(view, column, 1, middleIndex);
                continue;
            }

            var leafIndex = (middleIndex << TGeometry.WordShift) | (ulong)(uint)BitOperations.TrailingZeroCount(middle);
            if (TryPickLeaf(view, column, leafIndex, out block))
                return true;
        }
    }

    /// <summary>X1: repairs the parents of leaf words [first, first + count). True when a leaf was seen set.</summary>
    public static bool Sweep(TreeView* view, int column, ulong first, ulong count)
    {
        var found = false;
        for (var leaf = first; leaf < first + count; leaf++)
        {
            // order: acquire; a leaf set by a thread that then stopped has parents that nobody else would set [T2]
            var word = TAtomics.LoadAcquire(Word(view, 0, leaf, column), Site.TreeSweepLeaf);
            if (word == 0)
                continue;
            found = true;
            SetParents(view, column, 1, leaf, word);
        }

        return found;
    }

    private static bool TryPickLeaf(TreeView* view, int column, ulong leafIndex, out ulong block)
    {
        var address = Word(view, 0, leafIndex, column);
        for (; ; )
        {
            var leaf = TAtomics.LoadAcquire(address, Site.TreePickLeaf); // order: acquire [T2]
            if (leaf == 0)
            {
                ClearParents(view, column, 0, leafIndex);
                block = 0;
                return false;
            }

            var bit = leaf & (0 - leaf);

            // order: acquire takes what the setter released with the leaf [T1]; release, because a setter that finds the word empty must come after this clear
            if (!TAtomics.CompareExchangeAcqRel(address, leaf, leaf & ~bit, Site.TreeClearLeaf))
                continue;
            if (leaf == bit)
                ClearParents(view, column, 0, leafIndex);
            block = (leafIndex << TGeometry.WordShift) | (ulong)(uint)BitOperations.TrailingZeroCount(bit);
            return true;
        }
    }

    /// <summary>S1 upwards from the child (level − 1, index) whose value before was <paramref name="childBefore"/>.</summary>
    private static void SetParents(TreeView* view, int column, int level, ulong index, ulong childBefore)
    {
        for (; level <= SummaryLevel; level++)
        {
            var shift = ShiftOf(level);
            var bit = 1ul << (int)(index & ((1ul << shift) - 1));
            index >>= shift;
            var address = Word(view, level, index, column);

            // order: the child was empty: unconditional, a loaded "already set" may be about to be cleared by one who read the child before our bit [T3]
            // order: the child was not empty: acquire load, and help a setter that stopped half-way [T3]
            var before = childBefore == 0 ? TAtomics.FetchOrAcqRel(address, bit, Site.TreeSetParent) : TAtomics.LoadAcquire(address, Site.TreeHelpParent);
            if (childBefore != 0 && (before & bit) == 0)
                before = TAtomics.FetchOrAcqRel(address, bit, Site.TreeHelpSetParent); // order: as above [T3]
            childBefore = before;
        }
    }

    /// <summary>P1: the word (level, index) was seen 0. Clears its bit above, reads it again, repairs.</summary>
    private static void ClearParents(TreeView* view, int column, int level, ulong index)
    {
        for (; level < SummaryLevel; level++)
        {
            var shift = ShiftOf(level + 1);
            var bit = 1ul << (int)(index & ((1ul << shift) - 1));
            var parent = index >> shift;

            // order: release and acquire: the read below must not come from before this clear, or a set between the two is lost [T3]
            var before = TAtomics.FetchAndAcqRel(Word(view, level + 1, parent, column), ~bit, Site.TreeClearParent);
            if (TAtomics.LoadAcquire(Word(view, level, index, column), Site.TreeRereadChild) != 0) // order: acquire, after the clear [T3]
            {
                SetParents(view, column, level + 1, index, 0);
                return;
            }

            if ((before & ~bit) != 0)
                return;
            index = parent;
        }
    }

    /// <summary>Middle words of one tree, as a shift.</summary>
    private static int TopShift
    {
        // Asked for: left alone, the JIT does not inline a getter over the geometry, and the constant becomes a call (gate Z1 found it).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TGeometry.TreeShift - (2 * TGeometry.WordShift);
    }

    /// <summary>log2 of the children of one word of that level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ShiftOf(int level) => level == 2 ? TopShift : TGeometry.WordShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BitOf(ulong block) => 1ul << (int)(block & ((1ul << TGeometry.WordShift) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong* Word(TreeView* view, int level, ulong index, int column)
    {
        var row = level switch { 0 => view->Leaves, 1 => view->Middles, 2 => view->Tops, _ => view->Summaries };
        return row + (index * view->Columns) + (ulong)column;
    }
}
