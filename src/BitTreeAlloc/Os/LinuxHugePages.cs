// Owns: nothing. Pages of the kernel's pools (hugetlb) in reserved ranges.
// Invariants: a range is reserved, or backed by pages that are resident; never a hole, never a page that a touch could fail to get.
// Callers: LinuxVirtualMemory, with checked arguments.
// Checked by: tests/unit/Os (HugePoolTests, where pages are configured).
namespace BitTreeAlloc.Os;

/// <summary>Commit and drop of pages of a pool: mapped and populated elsewhere, then moved over the reserved range.</summary>
/// <remarks>Not MAP_FIXED over the range: that unmaps it before it asks the pool, and a refusal leaves a hole. Populated, because the pool's promise to a mapping does not bind a
/// cpuset, a memory policy or a cgroup's limit on huge pages: the touch would end in SIGBUS. A populate is refused instead.</remarks>
internal static unsafe class LinuxHugePages
{
    // Before, mremap of such a mapping is refused after the destination was unmapped. The kernel is not asked by trying: that makes the very hole.
    private static readonly bool s_canMove = OperatingSystem.IsLinux() && Environment.OSVersion.Version >= new Version(5, 16);

    /// <summary>See <see cref="IVirtualMemory.CommitHuge"/>.</summary>
    public static VmStatus Commit(void* address, nuint bytes, int pageShift)
    {
        if (!s_canMove)
            return VmStatus.NotSupported;
        var pages = LinuxCalls.Map(null, bytes, LinuxCalls.ReadWrite, LinuxCalls.HugePool | (pageShift << LinuxCalls.HugePoolShift), -1, 0);
        if ((nint)pages == -1)
            return LinuxErrors.OfHugePool(LinuxCalls.Error());
        if (LinuxCalls.AdviseWithRetry(pages, bytes, LinuxCalls.PopulateWrite) != 0)
        {
            _ = LinuxCalls.Unmap(pages, bytes);
            return VmStatus.CommitRefused;
        }

        var error = LinuxPageMoves.MoveOver(pages, address, bytes);
        if (error == 0)
            return VmStatus.Ok;
        _ = LinuxCalls.Unmap(pages, bytes);
        return error == LinuxErrors.ENOMEM ? VmStatus.TooManyMappings : VmStatus.NotSupported;
    }

    /// <summary>See <see cref="IVirtualMemory.DropHuge"/>. The kernel refuses a part of a huge page before it changes anything.</summary>
    public static VmStatus Drop(void* address, nuint bytes)
    {
        if (LinuxCalls.Map(address, bytes, LinuxCalls.None, LinuxCalls.Reservation | LinuxCalls.Fixed, -1, 0) == address)
            return VmStatus.Ok;
        var error = LinuxCalls.Error();
        LinuxPageMoves.Mend(address, bytes);
        return error == LinuxErrors.ENOMEM ? VmStatus.TooManyMappings : VmStatus.Invalid;
    }
}
