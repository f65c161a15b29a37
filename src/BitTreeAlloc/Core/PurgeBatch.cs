using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: blocks in use that a sweeper holds, and their free pages, to be purged by one call. On the sweeper's stack.
/// Invariants: a block in it is claimed by the sweeper. Callers: InsidePurge alone. Checked by: tests of resident memory on the real system.
/// </summary>
internal unsafe struct PurgeBatch
{
    /// <summary>Blocks held at once: a mebibyte of small ones.</summary>
    public const int MaxBlocks = 16;

    /// <summary>Ranges of one call; a block of a small class has at most 8 (16 pages), one of a medium class 7 (13 slots).</summary>
    public const int MaxRanges = 128;

    public int Blocks;
    public int Ranges;

    /// <summary>False once the system has shown that it has no such call.</summary>
    public bool IsUsable;

    private fixed ulong _spaces[MaxBlocks];
    private fixed ulong _blocks[MaxBlocks];
    private fixed ulong _pages[MaxBlocks];
    private fixed ulong _ranges[MaxRanges * 2];

    public void Reset() => (Blocks, Ranges, IsUsable) = (0, 0, true);

    public static VmRange* RangesOf(PurgeBatch* batch) => (VmRange*)batch->_ranges;

    public static void Add(PurgeBatch* batch, Space* space, ulong block, ulong pages)
    {
        batch->_spaces[batch->Blocks] = (ulong)space;
        batch->_blocks[batch->Blocks] = block;
        batch->_pages[batch->Blocks++] = pages;
    }

    public static ulong BlockAt(PurgeBatch* batch, int index, out Space* space, out ulong pages)
    {
        space = (Space*)batch->_spaces[index];
        pages = batch->_pages[index];
        return batch->_blocks[index];
    }
}
