using System.Runtime.InteropServices;

namespace BitTreeAlloc.Core;

/// <summary>A chunk of pages that are handed out in runs: where its words lie. Constant once made; the words it points at are shared.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RunChunk
{
    /// <summary>Most pages of a chunk: 1 GiB of 2 MiB pages. The steps that a call may take are stated for this many.</summary>
    public const int MaxPages = 512;

    /// <summary>The part of a descriptor that is the pages of its run; the bits above are flags of the run's owner.</summary>
    public const ulong PagesMask = uint.MaxValue;

    /// <summary>A bit per page, set where it is taken. Zero at first.</summary>
    public ulong* Taken;

    /// <summary>A word per page: the descriptor (pages | flags) at the first page of a run, 0 elsewhere. Zero at first.</summary>
    public ulong* Runs;

    /// <summary>Number of the chunk's first page: what alignments are counted from.</summary>
    public ulong BasePage;

    /// <summary>Pages of the chunk, from 1 to <see cref="MaxPages"/>.</summary>
    public int Pages;
}
