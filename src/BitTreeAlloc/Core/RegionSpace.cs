using System.Runtime.InteropServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: one large reservation that areas of regions are carved from, and the way back from an address to its area.
/// Invariants: I-Q4 fields other than the watermarks, Carved and MetaNext are written before publication. I-Q5 what is below Carved belongs to one area, for ever.
/// Callers: RegionAreas. Checked by: address plan tests of regions.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegionSpace
{
    public byte* Base;
    public ulong Length;

    /// <summary>log2 of what areas are carved in: 32 MiB.</summary>
    public int CarveShift;

    /// <summary>Bytes from the start that are carved: a shared word.</summary>
    public ulong Carved;

    /// <summary>Per carve unit the address of its area.</summary>
    public Watermark Map;

    /// <summary>Areas with their words and trees.</summary>
    public Watermark Meta;

    /// <summary>Bytes of <see cref="Meta"/> that are taken: a shared word.</summary>
    public ulong MetaNext;

    public ulong MetadataBytes;
    public ulong HeaderBytes;
}

/// <summary>Regions of one class, side by side.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegionArea
{
    /// <summary>Column of free regions with pages behind them.</summary>
    public const int DirtyColumn = 0;

    /// <summary>Column of regions without.</summary>
    public const int CleanColumn = 1;

    /// <summary>Behind the pools' classes, the number under which chunks of the exact mode are listed (<see cref="ExactRegions{TAtomics, TGeometry}"/>): regions of 2 MiB that are given out in runs. No trees.</summary>
    public const int ExactClass = RegionClasses.Count;

    /// <summary>log2 of the words of an entry.</summary>
    public const int EntryShift = 3;

    public byte* Base;

    /// <summary>Regions.</summary>
    public ulong Count;

    /// <summary>log2 of the bytes of a region.</summary>
    public int Shift;
    public int Class;
    public TreeView Trees;

    /// <summary>Of a chunk of the exact mode: which pages are taken.</summary>
    public RunChunk Runs;

    /// <summary>Of a chunk: runs that lie free with their pages: a shared word, a hint.</summary>
    public ulong Kept;

    /// <summary>Whether it is a chunk of the exact mode.</summary>
    public readonly bool IsExact => Class == ExactClass;

    /// <summary>Per region a cache line (<see cref="EntryShift"/>): its word; behind it its idle mark: 1 from a free into a cache's slot to the next hand-out; of a region in use it says that it is free. A free and the next allocation of the same
    /// length change the mark alone; on lines of their own, because threads do so side by side (70 ns a pair with two threads on shared lines, 14 so).</summary>
    public ulong* Entries;

    /// <summary>Regions below (of a chunk: pages) were handed out at least once: a shared word.</summary>
    public ulong Frontier;

    /// <summary>The area that was made after it, or 0: a shared word.</summary>
    public ulong Next;
}

/// <summary>A region by its area and number.</summary>
internal unsafe struct RegionRef
{
    public RegionArea* Area;
    public ulong Index;

    /// <summary>Its word.</summary>
    public readonly ulong* Word => Area->Entries + (Index << RegionArea.EntryShift);

    /// <summary>Its idle mark.</summary>
    public readonly ulong* Idle => Word + 1;

    /// <summary>Its first byte.</summary>
    public readonly ulong Start => (ulong)Area->Base + (Index << Area->Shift);
}
