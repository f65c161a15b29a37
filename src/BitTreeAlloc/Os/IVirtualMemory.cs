using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>A range of addresses; as the kernel's <c>iovec</c>.</summary>
/// <param name="Address">Its first byte.</param>
/// <param name="Bytes">Its length.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct VmRange(nuint Address, nuint Bytes);

/// <summary>
/// The four verbs towards the operating system, never mixed with alloc and free: reserve addresses, commit pages, purge contents, release addresses.
/// The virtual members beside them are kinds of these that not every system has; the caller has a way without each.
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

    /// <summary>As <see cref="Purge"/>, but the pages are taken only when the system is short of memory: until a byte is written again, its contents are the old ones or zero, page by page.</summary>
    /// <remarks><para>What is written afterwards is kept, the page's other bytes being undefined as before. To have zeros, <see cref="Purge"/> the range or write them.</para>
    /// <para><see cref="VmStatus.NotSupported"/>: there is no such call, or not for these pages (locked in memory, huge pages from the pool); contents are as before.</para></remarks>
    static virtual VmStatus PurgeLazily(void* context, void* address, nuint bytes) => VmStatus.NotSupported;

    /// <summary>Moves the pages behind [from, from + bytes) to [to, to + bytes) without a copy. Afterwards <paramref name="to"/> is committed with the contents,
    /// and <paramref name="from"/> is committed as before and reads as zero.</summary>
    /// <remarks><para>The whole of <paramref name="from"/> is committed; <paramref name="to"/> lies within a reservation (the same or another), committed or not, and holds nothing of value.
    /// The ranges do not overlap. Advice travels with the pages; a lock in memory does not stay at <paramref name="from"/>.</para>
    /// <para>On any refusal <paramref name="from"/> and its contents are as before. <paramref name="to"/> is still reserved, and is to be committed before it is touched.</para>
    /// <para><see cref="VmStatus.NotSupported"/>: there is no such call, or not for this range, as it may be one that was committed in several pieces: smaller pieces may be granted
    /// (<see cref="PageMover"/>). <see cref="VmStatus.CommitRefused"/>, <see cref="VmStatus.TooManyMappings"/>: for a moment both ranges count as committed, and the move needs a few mappings.</para></remarks>
    static virtual VmStatus MovePages(void* context, void* from, void* to, nuint bytes) => VmStatus.NotSupported;

    /// <summary>Commits a reserved range with pages of 2^<paramref name="pageShift"/> bytes (21 or 30) from the system's pool of huge pages, resident at once: no touch of them can fail.</summary>
    /// <remarks><para>Address and size are multiples of that page. The range is reserved or committed with ordinary pages and holds nothing of value; it reads as zero afterwards.
    /// From then on only <see cref="Release"/> of the whole reservation, <see cref="DropHuge"/>, and <see cref="Advise"/> apply to it: neither commit nor purge nor move.</para>
    /// <para><see cref="VmStatus.CommitRefused"/>: the pool has not enough, and nothing changed. <see cref="VmStatus.NotSupported"/>: the system has no such pool, or cannot put its pages into
    /// a reservation; nothing changed. <see cref="VmStatus.TooManyMappings"/>: the range is still reserved, and is to be committed before it is touched.</para></remarks>
    static virtual VmStatus CommitHuge(void* context, void* address, nuint bytes, int pageShift) => VmStatus.NotSupported;

    /// <summary>Takes a range that calls of <see cref="CommitHuge"/> made, of one pool or several, or whole huge pages of it, back to reserved-only: its pages go to the pool, its contents are lost, a touch faults.</summary>
    /// <remarks><see cref="VmStatus.Invalid"/>: no whole huge pages. <see cref="VmStatus.TooManyMappings"/>: nothing changed, and the call may be repeated later.</remarks>
    static virtual VmStatus DropHuge(void* context, void* address, nuint bytes) => VmStatus.NotSupported;

    /// <summary>Advice about cost. A refusal is harmless: contents are as before.</summary>
    /// <remarks><para><see cref="VmAdvice.HugePages"/>: <see cref="VmStatus.NotSupported"/> where the system has no transparent huge pages. Ok where they are switched off by its administrator.</para>
    /// <para><see cref="VmAdvice.Populate"/> needs the whole range committed: over a page that is not, it answers <see cref="VmStatus.NotSupported"/>, and the pages below that one may be resident.
    /// Pages from the pool are resident already: Ok.</para></remarks>
    static abstract VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice);

    /// <summary>Number of memory nodes (1 where the machine has no NUMA).</summary>
    static abstract int NodeCount(void* context);
}
