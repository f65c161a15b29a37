using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>Page faults of the calling thread so far.</summary>
internal static unsafe partial class ThreadFaults
{
    private const int OfThread = 1;
    private const int MinorFaults = 64 / sizeof(long);

    /// <summary>Minor faults, or null where the system does not tell.</summary>
    public static long? Read()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        var usage = stackalloc long[32];
        return GetUsage(OfThread, usage) == 0 ? usage[MinorFaults] : null;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, long* usage);
}
