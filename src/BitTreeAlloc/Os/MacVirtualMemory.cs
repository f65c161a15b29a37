using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>Virtual memory of macOS: <c>mmap</c>, <c>mprotect</c>, <c>munmap</c>. Untested: written to the contract, not yet run. Pages are 16 KiB on Apple silicon.</summary>
/// <remarks>Purge maps fresh pages over the range: <c>madvise</c> offers MADV_FREE_REUSABLE here, after which contents may be the old ones, and MADV_DONTNEED,
/// which gives nothing back.</remarks>
internal readonly unsafe partial struct MacVirtualMemory : IVirtualMemory
{
    private const int None = 0;
    private const int ReadWrite = 3;
    private const int Reservation = 0x0002 | 0x1000 | 0x0040; // MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    private const int Fixed = 0x0010;
    private const int InheritNone = 2;
    private const int Free = 5; // MADV_FREE
    private const int Einval = 22;

    private static readonly nuint s_pageSize = (nuint)Environment.SystemPageSize;

    /// <inheritdoc/>
    public static nuint PageSize(void* context) => s_pageSize;

    /// <inheritdoc/>
    public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
    {
        *address = null;
        if (bytes == 0 || (bytes & (s_pageSize - 1)) != 0 || alignment < s_pageSize || (alignment & (alignment - 1)) != 0)
            return VmStatus.Invalid;
        var slack = alignment - s_pageSize;
        if (bytes + slack < bytes)
            return VmStatus.AddressSpaceExhausted;
        var wide = (byte*)Map(null, bytes + slack, None, Reservation, -1, 0);
        if ((nint)wide == -1)
            return VmStatus.AddressSpaceExhausted;

        var head = (nuint)(-(nint)wide) & (alignment - 1);
        if ((head == 0 || Unmap(wide, head) == 0) && (head == slack || Unmap(wide + head + bytes, slack - head) == 0))
        {
            *address = wide + head;
            return VmStatus.Ok;
        }

        // Release gives back only what Reserve returned: slack that is kept would be lost for ever.
        _ = Unmap(wide, bytes + slack);
        return VmStatus.TooManyMappings;
    }

    /// <inheritdoc/>
    public static VmStatus Commit(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        if (Protect(address, bytes, ReadWrite) == 0)
            return VmStatus.Ok;
        return Marshal.GetLastSystemError() == Einval ? VmStatus.Invalid : VmStatus.CommitRefused;
    }

    /// <inheritdoc/>
    /// <remarks>The fresh mapping forgets <see cref="VmAdvice.DontFork"/>: advise again.</remarks>
    public static VmStatus Purge(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return (nint)Map(address, bytes, ReadWrite, Reservation | Fixed, -1, 0) != -1 ? VmStatus.Ok : VmStatus.NotSupported;
    }

    /// <inheritdoc/>
    /// <remarks>MADV_FREE. Pages cannot be moved here but by Mach calls that unmap their origin, and there is no pool of huge pages.</remarks>
    public static VmStatus PurgeLazily(void* context, void* address, nuint bytes)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return Advice(address, bytes, Free) == 0 ? VmStatus.Ok : VmStatus.NotSupported;
    }

    /// <inheritdoc/>
    public static VmStatus Release(void* context, void* address, nuint bytes) =>
        IsRange(address, bytes) && Unmap(address, bytes) == 0 ? VmStatus.Ok : VmStatus.Invalid;

    /// <inheritdoc/>
    public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice)
    {
        if (!IsRange(address, bytes))
            return VmStatus.Invalid;
        return advice switch
        {
            VmAdvice.DontFork => Inherit(address, bytes, InheritNone) == 0 ? VmStatus.Ok : VmStatus.NotSupported,
            VmAdvice.NoHugePages => VmStatus.Ok,
            _ => VmStatus.NotSupported,
        };
    }

    /// <inheritdoc/>
    public static int NodeCount(void* context) => 1;

    /// <summary>Takes access from committed pages until the next Commit. For tests that prove that nobody touches a range.</summary>
    internal static bool Seal(void* address, nuint bytes) => Protect(address, bytes, None) == 0;

    private static bool IsRange(void* address, nuint bytes) => bytes != 0 && (((nuint)address | bytes) & (s_pageSize - 1)) == 0;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advice(void* address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "minherit")]
    private static partial int Inherit(void* address, nuint bytes, int inheritance);
}
