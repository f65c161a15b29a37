using System.Runtime.InteropServices;

namespace BitTreeAlloc.Core;

/// <summary>Where the sizes of direct mappings stand: a two-level table over the 64 KiB granules of the address space.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DirectTable
{
    /// <summary>log2 of a granule: every direct mapping starts on one.</summary>
    public const int GranuleShift = 16;

    /// <summary>log2 of the entries of a leaf: 4 GiB of addresses.</summary>
    public const int LeafShift = 16;

    /// <summary>Entries of the root: 2^48 bytes of addresses.</summary>
    public const int RootEntries = 1 << 16;

    /// <summary>Addresses of leaves; a leaf entry is the bytes of the mapping that starts at its granule.</summary>
    public ulong* Root;

    /// <summary>Bytes of a leaf.</summary>
    public const ulong LeafBytes = (1ul << LeafShift) * sizeof(ulong);
}
