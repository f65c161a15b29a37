using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>A range of addresses; as the kernel's <c>iovec</c>.</summary>
/// <param name="Address">Its first byte.</param>
/// <param name="Bytes">Its length.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct VmRange(nuint Address, nuint Bytes);

/// <summary>
/// The four verbs towards the operating system, never mixed with alloc and free: reserve addresses, commit pages, purge contents, release addresses.
/// </summary>
/// <remarks>
/// <para>Static abstract members and a context pointer, so that the core needs no managed object: <see cref="VmTable"/> turns an implementation into a table of function pointers.
/// Results, never exceptions. Every member may be called from any thread, and concurrently on disjoint ranges; <c>Commit</c> also on overlapping ones.</para>
/// <para>All addresses and sizes are multiples of the page size, and no size is 0; anything else is <see cref="VmStatus.Invalid"/>.
/// A range lies within one reservation.</para>
/// </remarks>
public unsafe interface IVirtualMemory
{
    /// <summary>Bytes of a base page.</summary>
    static abstract nuint PageSize(void* context);

    /// <summary>Reserves addresses: no memory behind them, every touch faults. <paramref name="alignment"/> is a power of two, at least a page.</summary>
    static abstract VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address);

    /// <summary>Makes a reserved range readable and writable. What was never touched, or was purged, reads as zero. Repeating it is harmless and changes no contents.</summary>
    /// <remarks>A refusal may leave a part of the range accessible; contents are as before and the call may be repeated.</remarks>
    static abstract VmStatus Commit(void* context, void* address, nuint bytes);

    /// <summary>Gives the pages' memory back; the range stays committed (readable, writable) and reads as zero. On failure contents are as before or zero, page by page.</summary>
    /// <remarks><see cref="VmStatus.NotSupported"/>: these pages cannot be given back (locked in memory, for one); they stay committed.
    /// <see cref="VmStatus.CommitRefused"/>, which only Windows answers: a part of the range is no longer committed, and the whole must be committed again before it is touched.</remarks>
    static abstract VmStatus Purge(void* context, void* address, nuint bytes);

    /// <summary>
    /// As <see cref="Purge"/> for several ranges by one call, where the system has one: each call interrupts every thread that runs. Anything but <see cref="VmStatus.Ok"/> leaves each range as
    /// before or purged: the caller purges them one by one. <see cref="VmStatus.NotSupported"/>: there is no such call.
    /// </summary>
    static virtual VmStatus PurgeRanges(void* context, VmRange* ranges, int count) => VmStatus.NotSupported;

    /// <summary>Gives back a whole range that one call of <c>Reserve</c> returned.</summary>
    /// <remarks><see cref="VmStatus.TooManyMappings"/>: the range is still reserved, and the call may be repeated later.</remarks>
    static abstract VmStatus Release(void* context, void* address, nuint bytes);

    /// <summary>Advice about cost. A refusal is harmless.</summary>
    static abstract VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice);

    /// <summary>Number of memory nodes (1 where the machine has no NUMA).</summary>
    static abstract int NodeCount(void* context);
}
