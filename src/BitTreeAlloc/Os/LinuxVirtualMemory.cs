// Owns: nothing; the kernel's mappings are the state.
// Invariants: an address that Reserve returned is the whole of what it mapped; a failed verb changes no contents.
// Callers: the core, through VmTable, from any thread, holding only its own claim.
// Checked by: tests/unit/Os.
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Os;

/// <summary>Virtual memory of Linux: <c>mmap</c>, <c>mprotect</c>, <c>madvise</c>, <c>mremap</c>, <c>munmap</c>. Stateless; the context is not used.</summary>
/// <remarks>Reserve is PROT_NONE and commit is <c>mprotect</c> rather than one readable and writable MAP_NORESERVE mapping: under strict overcommit
/// (vm.overcommit_memory = 2) the kernel ignores MAP_NORESERVE and would charge the whole reservation. Neighbouring pages of equal protection are one mapping,
/// so commits that grow a range upwards cost no mapping; scattered ones cost two each of the 65 530.</remarks>
internal readonly unsafe struct LinuxVirtualMemory : IVirtualMemory
{
    private static readonly nuint s_pageSize = LinuxCalls.PageSize();

    /// <inheritdoc/>
    public static nuint PageSize(void* context) => s_pageSize;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
    {
        *address = null;
        if (bytes == 0 || (bytes & (s_pageSize - 1)) != 0 || alignment < s_pageSize || (alignment & (alignment - 1)) != 0)
            return VmStatus.Invalid;

        var status = Map(bytes, out var start);
        if (status == VmStatus.Ok && ((nuint)start & (alignment - 1)) != 0)
            status = LinuxCalls.Unmap(start, bytes) == 0 ? MapAligned(bytes, alignment, out start) : VmStatus.TooManyMappings;
        if (status == VmStatus.Ok)
            *address = start;
        return status;
    }

    /// <inheritdoc/>
    /// <remarks>A refusal may leave a lower part of the range accessible: no contents change and the next Commit repeats it.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus Commit(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return LinuxCalls.Protect(address, bytes, LinuxCalls.ReadWrite) == 0 ? VmStatus.Ok : LinuxErrors.OfCommit(LinuxCalls.Error());
    }

    /// <inheritdoc/>
    /// <remarks>Pages locked by <c>mlock</c> or <c>mlockall</c> need Linux 5.18; before, the answer is <see cref="VmStatus.NotSupported"/> and nothing changed.
    /// MADV_FREE was rejected here: RSS stays as it was until the kernel is short of memory, and contents are undefined. <see cref="PurgeLazily"/> is that one.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus Purge(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;

        // Filling locked pages with zeros here would keep the promise about contents and break the one about memory: the caller is told instead.
        var error = LinuxCalls.AdviseWithRetry(address, bytes, LinuxCalls.DontNeed);
        if (error == LinuxErrors.EINVAL)
            error = LinuxCalls.AdviseWithRetry(address, bytes, LinuxCalls.DontNeedLocked);
        return LinuxErrors.OfPurge(error);
    }

    /// <inheritdoc/>
    /// <remarks>Where the kernel is older, or forbids it (seccomp), it fails at once and changes nothing.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus PurgeRanges(void* context, VmRange* ranges, int count)
    {
        for (var index = 0; index < count; index++)
        {
            if (!IsRange((void*)ranges[index].Address, ranges[index].Bytes))
                return VmStatus.Invalid;
        }

        return LinuxCalls.AdviseRanges(ranges, count, LinuxCalls.DontNeed) == 0 ? VmStatus.Ok : VmStatus.NotSupported;
    }

    /// <inheritdoc/>
    /// <remarks>MADV_FREE: the kernel takes the pages when it reclaims, and a write before that keeps them. They count as resident until then. A hole in the range is <see cref="VmStatus.Invalid"/>.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus PurgeLazily(void* context, void* address, nuint bytes) =>
        IsRange(address, bytes) ? LinuxErrors.OfPurge(LinuxCalls.AdviseWithRetry(address, bytes, LinuxCalls.Free)) : VmStatus.Invalid;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus MovePages(void* context, void* from, void* to, nuint bytes)
    {
        var distance = from < to ? (nuint)to - (nuint)from : (nuint)from - (nuint)to;
        return IsRange(from, bytes) && IsRange(to, bytes) && distance >= bytes ? LinuxPageMoves.Move(from, to, bytes) : VmStatus.Invalid;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus CommitHuge(void* context, void* address, nuint bytes, int pageShift)
    {
        if (pageShift is not (21 or 30))
            return VmStatus.Invalid;
        return bytes != 0 && (((nuint)address | bytes) & (((nuint)1 << pageShift) - 1)) == 0 ? LinuxHugePages.Commit(address, bytes, pageShift) : VmStatus.Invalid;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus DropHuge(void* context, void* address, nuint bytes) => IsRange(address, bytes) ? LinuxHugePages.Drop(address, bytes) : VmStatus.Invalid;

    /// <inheritdoc/>
    /// <remarks>The kernel merges neighbouring reservations into one mapping, so releasing one of them may need one mapping more:
    /// <see cref="VmStatus.TooManyMappings"/> means that the range is still reserved and the call may be repeated later.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus Release(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return LinuxCalls.Unmap(address, bytes) == 0 ? VmStatus.Ok : LinuxErrors.OfRelease(LinuxCalls.Error());
    }

    /// <inheritdoc/>
    /// <remarks>The kernel answers EINVAL, hence <see cref="VmStatus.NotSupported"/>, to huge pages where it was built without them, and to a populate of pages without access or before Linux 5.14.
    /// The advice over pages of the pool is Ok without effect.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        var kernelAdvice = advice switch
        {
            VmAdvice.HugePages => LinuxCalls.HugePage,
            VmAdvice.NoHugePages => LinuxCalls.NoHugePage,
            VmAdvice.Populate => LinuxCalls.PopulateWrite,
            VmAdvice.DontFork => LinuxCalls.DontFork,
            _ => -1,
        };
        return kernelAdvice < 0 ? VmStatus.NotSupported : LinuxErrors.OfAdvice(LinuxCalls.AdviseWithRetry(address, bytes, kernelAdvice));
    }

    /// <inheritdoc/>
    /// <remarks>Always 1 for now: pages come from the node of the thread that touches them first, which is the kernel's default policy.</remarks>
    public static int NodeCount(void* context) => 1;

    /// <summary>Runs each verb once, so that the first real call binds no symbol and the first refusal finds its error number intact. False where even that fails.</summary>
    public static bool WarmUp()
    {
        void* address;
        if (Reserve(null, s_pageSize, s_pageSize, &address) != VmStatus.Ok)
            return true; // no address space: an answer for the caller of Reserve, not a missing implementation
        _ = LinuxCalls.Error();
        _ = Commit(null, address, s_pageSize);
        _ = Purge(null, address, s_pageSize);
        _ = LinuxCalls.Remap(address, s_pageSize, 0, null); // as long as it was, and it may not move: nothing happens
        return Release(null, address, s_pageSize) == VmStatus.Ok;
    }

    /// <summary>Takes access from committed pages until the next Commit. For tests that prove that nobody touches a range.</summary>
    internal static bool Seal(void* address, nuint bytes) => LinuxCalls.Protect(address, bytes, LinuxCalls.None) == 0;

    private static bool IsRange(void* address, nuint bytes) => bytes != 0 && (((nuint)address | bytes) & (s_pageSize - 1)) == 0;

    private static VmStatus Map(nuint bytes, out void* start)
    {
        start = LinuxCalls.Map(null, bytes, LinuxCalls.None, LinuxCalls.Reservation, -1, 0);
        if ((nint)start != -1)
            return VmStatus.Ok;
        start = null;
        return LinuxErrors.OfReserve(LinuxCalls.Error());
    }

    // Maps the alignment's slack as well and gives both ends back. The caller tried without slack before: the kernel places large mappings beside each other,
    // so most are aligned already, and a plain try needs no slack where addresses are short.
    private static VmStatus MapAligned(nuint bytes, nuint alignment, out void* start)
    {
        start = null;
        var slack = alignment - s_pageSize;
        if (bytes + slack < bytes)
            return VmStatus.AddressSpaceExhausted;
        var status = Map(bytes + slack, out var wide);
        if (status != VmStatus.Ok)
            return status;

        var head = (nuint)(-(nint)wide) & (alignment - 1);
        var tail = slack - head;
        var first = (byte*)wide + head;
        if ((head == 0 || LinuxCalls.Unmap(wide, head) == 0) && (tail == 0 || LinuxCalls.Unmap(first + bytes, tail) == 0))
        {
            start = first;
            return VmStatus.Ok;
        }

        // The mapping had merged with its lower neighbour, and the hole is one mapping too many. Release gives back only what Reserve returned, so keeping
        // the slack would leak it for ever: all of it goes. (munmap of what is unmapped already is no error, and cutting off an end never lacks a mapping.)
        // Only where it had merged with both neighbours can this fail as well; then addresses leak, never memory.
        _ = LinuxCalls.Unmap(wide, bytes + slack);
        return VmStatus.TooManyMappings;
    }
}
