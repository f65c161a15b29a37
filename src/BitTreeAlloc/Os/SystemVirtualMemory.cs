using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>The virtual memory of the operating system that this process runs on. Every member may be called from any thread.</summary>
public static unsafe class SystemVirtualMemory
{
    private static readonly VmTable s_table = Choose();

    /// <summary>Whether this system has an implementation.</summary>
    public static bool IsSupported => s_table.PageSizeEntry != null;

    /// <summary>The four verbs of this system. Its context is null and it lives as long as the process.</summary>
    /// <exception cref="PlatformNotSupportedException">The system has no implementation; the message names it.</exception>
    public static VmTable Table => IsSupported ? s_table : throw new PlatformNotSupportedException(UnsupportedText);

    /// <summary>What a user of a system without an implementation is told.</summary>
    internal static string UnsupportedText =>
        $"BitTreeAlloc knows the virtual memory of 64-bit Linux, Windows and macOS; this is {RuntimeInformation.OSDescription} ({RuntimeInformation.ProcessArchitecture}). " +
        "Pass an own IVirtualMemory in the options.";

    /// <summary>Takes access from committed pages until the next Commit; contents are kept or lost. A touch in between ends the process.</summary>
    /// <remarks>No verb of the allocator: for tests that prove that nobody touches a range.</remarks>
    internal static bool Seal(void* address, nuint bytes) =>
        OperatingSystem.IsLinux() ? LinuxVirtualMemory.Seal(address, bytes)
        : OperatingSystem.IsWindows() ? WindowsVirtualMemory.Seal(address, bytes)
        : OperatingSystem.IsMacOS() && MacVirtualMemory.Seal(address, bytes);

    private static VmTable Choose()
    {
        if (!Environment.Is64BitProcess)
            return default;
        if (OperatingSystem.IsLinux() && LinuxVirtualMemory.WarmUp())
            return VmTable.Of<LinuxVirtualMemory>(null);
        if (OperatingSystem.IsWindows())
            return VmTable.Of<WindowsVirtualMemory>(null);
        if (OperatingSystem.IsMacOS())
            return VmTable.Of<MacVirtualMemory>(null);
        return default;
    }
}
