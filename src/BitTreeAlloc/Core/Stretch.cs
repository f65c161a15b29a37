using System.Runtime.InteropServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: one stretch of reserved addresses, divided into one space per kind of block, and the metadata of all its blocks, which lies elsewhere.
/// Invariants: I-S1 fields other than the watermarks and frontiers are written before publication. I-S2 a block below a space's frontier has committed data and metadata.
/// Callers: any part of the core, holding nothing. Checked by: address plan tests.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Stretch
{
    /// <summary>log2 of the bytes that one entry of <see cref="ClassMap"/> covers: the smallest block.</summary>
    public const int GranuleShift = 14;

    /// <summary>Spaces of a stretch: blocks of 16 and 64 KiB, or of 1 and 4 MiB.</summary>
    public const int Spaces = 2;

    public byte* Base;
    public ulong Length;

    /// <summary>0: of small classes; 1: of medium ones. A heap makes its first of those when it first serves one.</summary>
    public int Family;

    /// <summary>
    /// Class of each granule; 0 where none was born. Mirrors the words for the hit path: the word holds the truth. Committed whole, because an unsized free reads it for any
    /// address of the stretch before anything is known about the pointer (1.25 MiB for 16 GiB, of which only what is used becomes resident). Null in a stretch of medium classes.
    /// </summary>
    public byte* ClassMap;

    /// <summary>Marks of live slots, see <see cref="LiveMarks"/>; null unless the heap is checked.</summary>
    public byte* Marks;

    public ulong MetadataBytes;
    public ulong HeaderBytes;
    public ulong DataBytes;
    public byte* Metadata;
    public Space Small;
    public Space Large;
}

/// <summary>All blocks of one size of a stretch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Space
{
    public TreeView Trees;
    public ulong* Words;

    /// <summary>Per block one bit for each 64th (or page) that may be resident: kept by the holder of the block.</summary>
    public ulong* Resident;

    public ulong* Bitmaps;
    public Stretch* Owner;
    public int BlockShift;
    public int BitmapWords;

    /// <summary>log2 of the bytes of one bit of <see cref="Resident"/>.</summary>
    public int ResidentShift;

    /// <summary>The class whose column is 0.</summary>
    public int FirstClass;

    /// <summary>Column of resident blocks of no class (tree E).</summary>
    public int EmptyColumn;

    /// <summary>Column of blocks without pages (tree B).</summary>
    public int CleanColumn;

    public ulong BlockCount;

    /// <summary>Blocks below were born at least once: a shared word.</summary>
    public ulong Frontier;

    /// <summary>Where the next birth goes on repairing parents (hint).</summary>
    public ulong SweepCursor;

    public Watermark Data;

    /// <summary>Bytes from the start of the data up to which advice about huge pages was given: a shared word.</summary>
    public ulong Advised;
    public Watermark LeafMark;
    public Watermark WordMark;
    public Watermark ResidentMark;
    public Watermark BitmapMark;

    /// <summary>This space's part of <see cref="Stretch.Marks"/>, from the page on in which it begins; empty unless the heap is checked.</summary>
    public Watermark LiveMark;

    /// <summary>Bytes of that page before the space's first mark: a few marks stand for a mebibyte of medium slots.</summary>
    public ulong LiveMarkLead;

    /// <summary>This space's part of <see cref="Stretch.ClassMap"/>, or null.</summary>
    public byte* Map;
}
