using System.Runtime.InteropServices;

namespace BitTreeAlloc.Core;

/// <summary>A stretch of reserved addresses that is committed from its start up to a mark that only grows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Watermark
{
    /// <summary>First byte.</summary>
    public byte* Base;

    /// <summary>Bytes reserved.</summary>
    public ulong Reserved;

    /// <summary>Bytes committed from the start: the shared word.</summary>
    public ulong Committed;

    /// <summary>Smallest step in bytes, a multiple of the page size.</summary>
    public ulong Step;
}
