using System.Runtime.InteropServices;

namespace BitTreeAlloc.Atomics;

/// <summary>Makes freshly written code visible to instruction fetch, by what the platform offers.</summary>
/// <remarks>x86-64 keeps its instruction cache coherent. On ARM64, code that skips the flush may run what the cache held before: a system without a way to flush
/// therefore has no stub, although the kernel flushes pages that become executable in practice.</remarks>
internal sealed unsafe partial class CacheFlush
{
    private readonly nint _clearCache;

    private CacheFlush(nint clearCache) => _clearCache = clearCache;

    /// <summary>The way to flush on this machine, or null where there is none.</summary>
    public static CacheFlush? Find()
    {
        var arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        if (!arm || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
            return new CacheFlush(0);

        // A function of the compiler's support library, not of the C library; musl and trimmed images may lack it.
        return NativeLibrary.TryLoad("libgcc_s.so.1", out var library) && NativeLibrary.TryGetExport(library, "__clear_cache", out var clear)
            ? new CacheFlush(clear)
            : null;
    }

    /// <summary>Flushes a range that was written and is executable now.</summary>
    public void Run(void* address, nuint bytes)
    {
        if (OperatingSystem.IsWindows())
            _ = FlushInstructionCache(-1, address, bytes); // -1: this process
        else if (RuntimeInformation.ProcessArchitecture != Architecture.Arm64)
            return;
        else if (OperatingSystem.IsMacOS())
            InvalidateInstructionCache(address, bytes);
        else
            ((delegate* unmanaged<void*, void*, void>)_clearCache)(address, (byte*)address + bytes);
    }

    [LibraryImport("kernel32")]
    private static partial int FlushInstructionCache(nint process, void* address, nuint bytes);

    [LibraryImport("libSystem.dylib", EntryPoint = "sys_icache_invalidate")]
    private static partial void InvalidateInstructionCache(void* address, nuint bytes);
}
