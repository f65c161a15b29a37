using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>The kernel's entry points and numbers (equal on x86-64 and ARM64). All arguments are blittable: no marshalling, no GC allocation.</summary>
/// <remarks>None suppresses the GC transition: these calls block on the kernel's map lock and on page faults, and would stall a collection for as long.</remarks>
internal static unsafe partial class LinuxCalls
{
    public const int None = 0;
    public const int Read = 1;
    public const int ReadWrite = 3;
    public const int Reservation = 0x02 | 0x20 | 0x4000; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    public const int Fixed = 0x10; // MAP_FIXED
    public const int FixedNoReplace = 0x100000; // MAP_FIXED_NOREPLACE, since Linux 4.17; before, a mere wish
    public const int HugePool = 0x02 | 0x20 | 0x40000; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, the pages promised by the pool at once
    public const int HugePoolShift = 26;
    public const int MayMove = 1;
    public const int MoveFixed = 2;
    public const int MoveDontUnmap = 4; // since Linux 5.7
    public const int DontNeed = 4;
    public const int Free = 8;
    public const int DontFork = 10;
    public const int HugePage = 14;
    public const int NoHugePage = 15;
    public const int PopulateWrite = 23; // since Linux 5.14
    public const int DontNeedLocked = 24; // since Linux 5.18

    private const int ScPageSize = 30;
    private const nint ScProcessAdvise = 440;

    private static readonly nint ScRemap = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 216 : 25;
    private const nint OwnProcess = -10001; // PIDFD_SELF_THREAD_GROUP, since Linux 6.14
    private const int Retries = 64;

    /// <summary>Bytes of a base page.</summary>
    public static nuint PageSize() => (nuint)SystemConfiguration(ScPageSize);

    /// <summary>The error number of the call just made on this thread. The runtime keeps it over a suspension on the way back from the call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Error() => Marshal.GetLastSystemError();

    /// <summary>madvise, repeated a bounded number of times where a signal or a passing shortage broke it off. 0 or the error number.</summary>
    /// <remarks>The runtime suspends threads by signals, so that a populate of many pages is interrupted as a matter of course.</remarks>
    public static int AdviseWithRetry(void* address, nuint bytes, int advice)
    {
        for (var left = Retries; ; left--)
        {
            if (MemoryAdvise(address, bytes, advice) == 0)
                return 0;
            var error = Error();
            if (left == 0 || (error != LinuxErrors.EINTR && error != LinuxErrors.EAGAIN))
                return error;
        }
    }

    /// <summary>process_madvise on the own process: one call for many ranges. 0, the error number, or −1 where it ended early. The kernel takes this advice for the own process since Linux 6.13.</summary>
    public static int AdviseRanges(VmRange* ranges, int count, int advice)
    {
        var bytes = 0ul;
        for (var index = 0; index < count; index++)
            bytes += ranges[index].Bytes;
        var advised = SystemCall(ScProcessAdvise, OwnProcess, ranges, count, advice, 0);
        return advised < 0 ? Error() : (ulong)advised == bytes ? 0 : -1;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint process, VmRange* ranges, nint count, nint advice, nint flags);

    [LibraryImport("libc", EntryPoint = "mmap")]
    public static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    /// <summary>mremap of <paramref name="bytes"/>, which stay as many.</summary>
    /// <remarks>Through syscall(2): the C function takes its fifth argument as a variable one, which is passed otherwise on some systems.</remarks>
    public static void* Remap(void* address, nuint bytes, int flags, void* to) => (void*)SystemCall(ScRemap, address, bytes, bytes, flags, to);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, void* address, nuint oldBytes, nuint newBytes, nint flags, void* to);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "sysconf")]
    private static partial nint SystemConfiguration(int name);
}
