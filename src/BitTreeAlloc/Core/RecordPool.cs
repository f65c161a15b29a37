using System.Runtime.InteropServices;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the cache records of all heaps of the process, side by side. Type-stable and never unmapped: a call through a cache that outlived its allocator finds a closed door, not a hole.
/// Invariants: I-G1 a record has one owner between TryRegister and Release. I-G2 a record on the stack caches nothing. Callers: CacheRegistry. Checked by: thread birth and death tests.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RecordPool
{
    // Lines first: the head of the stack lies at a multiple of 16 whatever comes behind.
    public HeadLine Free;
    public Line NextLine;
    public Line OsCallsLine;

    public VmTable Os;
    public ulong PageSize;

    /// <summary>The form of the stack's head: fixed for the process.</summary>
    public bool Wide;

    public Watermark Arena;
}
