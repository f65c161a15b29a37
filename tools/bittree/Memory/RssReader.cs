using BitTreeAlloc.Tool.Allocators;
using Microsoft.Win32.SafeHandles;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>Reads this process's resident set from /proc/self/statm without allocating.</summary>
internal sealed class RssReader : IDisposable
{
    private readonly SafeFileHandle _statm = File.OpenHandle("/proc/self/statm");

    /// <summary>True where the figures can be had.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && File.Exists("/proc/self/statm");

    /// <summary>Resident bytes now.</summary>
    public long Read()
    {
        Span<byte> text = stackalloc byte[128];
        var rest = text[..RandomAccess.Read(_statm, text, 0)];
        rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        long pages = 0;
        foreach (var c in rest)
        {
            if (c is < (byte)'0' or > (byte)'9')
                break;
            pages = (pages * 10) + c - '0';
        }

        return pages * Environment.SystemPageSize;
    }

    /// <summary>Gives back what the runtime and the C library hold without need, so that neither does it in the middle of a measurement.</summary>
    public static void Settle()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        LibC.Trim();
    }

    /// <inheritdoc/>
    public void Dispose() => _statm.Dispose();
}
