using System.Runtime.InteropServices;

namespace BitTreeAlloc.Bits;

/// <summary>
/// Where the words of a space's trees lie. The trees of all columns (one per class, one of empty blocks, one of blocks that need pages) are interleaved word by word,
/// [word][column], so that classes share metadata pages: a heap that used every class once touches one page of leaves, not one per class.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct TreeView
{
    /// <summary>Leaf words: one bit per block.</summary>
    public ulong* Leaves;

    /// <summary>Middle words: one bit per leaf word.</summary>
    public ulong* Middles;

    /// <summary>Top words: one per tree, one bit per middle word.</summary>
    public ulong* Tops;

    /// <summary>Summary words: one per column, one bit per tree.</summary>
    public ulong* Summaries;

    /// <summary>Words from one row to the next.</summary>
    public ulong Columns;
}
