using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>Virtual memory of Windows: <c>VirtualAlloc</c> and <c>VirtualFree</c>. Untested: written to the contract, not yet run.</summary>
/// <remarks>
/// <para>Commit is charged against the system's commit limit at once and purge gives that charge back, so a purged range has to be charged again to stay committed.
/// <c>MEM_RESET</c> and <c>DiscardVirtualMemory</c> keep the charge but leave contents undefined (an older copy may come back from the paging file), also after
/// zeroing: they cannot keep the promise that purged pages read as zero. Hence decommit and commit again, in small steps; see <see cref="Purge"/>.</para>
/// <para>Reservations start at multiples of 64 KiB; the page that commit and purge count in is 4 KiB.</para>
/// </remarks>
internal readonly unsafe partial struct WindowsVirtualMemory : IVirtualMemory
{
    private const uint MemCommit = 0x1000;
    private const uint MemReserve = 0x2000;
    private const uint MemDecommit = 0x4000;
    private const uint MemRelease = 0x8000;
    private const uint MemReset = 0x80000;
    private const uint PageNoAccess = 0x01;
    private const uint PageReadWrite = 0x04;
    private const int ErrorInvalidParameter = 87;
    private const int ErrorInvalidAddress = 487;
    private const int AlignedTries = 32;
    private const int CommitTries = 200;
    private const nuint Granularity = 64 << 10;
    private const nuint PurgeStep = 64 << 10;

    private static readonly nuint s_pageSize = (nuint)Environment.SystemPageSize;

    /// <inheritdoc/>
    public static nuint PageSize(void* context) => s_pageSize;

    /// <inheritdoc/>
    public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
    {
        *address = null;
        if (bytes == 0 || (bytes & (s_pageSize - 1)) != 0 || alignment < s_pageSize || (alignment & (alignment - 1)) != 0)
            return VmStatus.Invalid;
        if (alignment > Granularity)
            return ReserveAligned(bytes, alignment, address);
        *address = VirtualAlloc(null, bytes, MemReserve, PageNoAccess);
        return *address != null ? VmStatus.Ok : VmStatus.AddressSpaceExhausted;
    }

    /// <inheritdoc/>
    public static VmStatus Commit(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return VirtualAlloc(address, bytes, MemCommit, PageReadWrite) != null ? VmStatus.Ok : Refusal();
    }

    /// <inheritdoc/>
    /// <remarks>Decommits and commits again, 64 KiB at a time, so that what another process could snatch from under the commit limit in between is one step.
    /// Where it does and keeps it for about 200 ms, the answer is <see cref="VmStatus.CommitRefused"/>: the step's contents are gone and it is not committed.</remarks>
    public static VmStatus Purge(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        for (nuint done = 0; done < bytes;)
        {
            var step = nuint.Min(PurgeStep, bytes - done);
            var part = (byte*)address + done;
            if (VirtualFree(part, step, MemDecommit) == 0)
                return Marshal.GetLastSystemError() is ErrorInvalidAddress or ErrorInvalidParameter ? VmStatus.Invalid : VmStatus.NotSupported;
            for (var left = CommitTries; VirtualAlloc(part, step, MemCommit, PageReadWrite) == null; left--)
            {
                if (left == 0)
                    return VmStatus.CommitRefused;
                Sleep(1); // rolling back is impossible, so forward: the charge was ours a moment ago
            }

            done += step;
        }

        return VmStatus.Ok;
    }

    /// <inheritdoc/>
    /// <remarks><c>MEM_RESET</c>, which is what the contract says: the pages are not written to the paging file, and are the old ones or zero afterwards. The commit charge stays.
    /// Moved pages and large pages are not supported: the one has no call here, the other needs a privilege and a reservation made for them.</remarks>
    public static VmStatus PurgeLazily(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return VirtualAlloc(address, bytes, MemReset, PageReadWrite) != null ? VmStatus.Ok : VmStatus.NotSupported;
    }

    /// <inheritdoc/>
    public static VmStatus Release(void* context, void* address, nuint bytes) =>
        IsRange(address, bytes) && VirtualFree(address, 0, MemRelease) != 0 ? VmStatus.Ok : VmStatus.Invalid;

    /// <inheritdoc/>
    /// <remarks>A process inherits no memory here, so <see cref="VmAdvice.DontFork"/> is true already. Large pages need a privilege and cannot be purged in part.</remarks>
    public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return advice is VmAdvice.DontFork or VmAdvice.NoHugePages ? VmStatus.Ok : VmStatus.NotSupported;
    }

    /// <inheritdoc/>
    public static int NodeCount(void* context) => 1;

    /// <summary>Takes access from committed pages until the next Commit; contents are lost. For tests that prove that nobody touches a range.</summary>
    internal static bool Seal(void* address, nuint bytes) => VirtualFree(address, bytes, MemDecommit) != 0;

    // A reservation cannot be trimmed: the address is found with slack, given back, and asked for again. Another thread may be quicker; then once more.
    // VirtualAlloc2 does it in one call, but not on every system that .NET runs on.
    private static VmStatus ReserveAligned(nuint bytes, nuint alignment, void** address)
    {
        if (bytes + alignment < bytes)
            return VmStatus.AddressSpaceExhausted;
        for (var tries = 0; tries < AlignedTries; tries++)
        {
            var wide = VirtualAlloc(null, bytes + alignment, MemReserve, PageNoAccess);
            if (wide == null)
                return VmStatus.AddressSpaceExhausted;
            var first = (void*)(((nuint)wide + alignment - 1) & ~(alignment - 1));
            _ = VirtualFree(wide, 0, MemRelease);
            *address = VirtualAlloc(first, bytes, MemReserve, PageNoAccess);
            if (*address != null)
                return VmStatus.Ok;
        }

        return VmStatus.AddressSpaceExhausted;
    }

    private static bool IsRange(void* address, nuint bytes) => bytes != 0 && (((nuint)address | bytes) & (s_pageSize - 1)) == 0;

    private static VmStatus Refusal() =>
        Marshal.GetLastSystemError() is ErrorInvalidAddress or ErrorInvalidParameter ? VmStatus.Invalid : VmStatus.CommitRefused;

    [LibraryImport("kernel32")]
    private static partial void* VirtualAlloc(void* address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(void* address, nuint bytes, uint type);

    [LibraryImport("kernel32")]
    private static partial void Sleep(uint milliseconds);
}
