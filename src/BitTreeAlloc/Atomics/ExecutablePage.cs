using System.Runtime.InteropServices;

namespace BitTreeAlloc.Atomics;

/// <summary>One page of machine code that is writable first and executable afterwards, never both.</summary>
/// <remarks>Its own few system calls: Atomics is the lowest part and may not call Os. Hardened systems refuse executable memory (SELinux execmem, seccomp,
/// PR_SET_MDWE, Arbitrary Code Guard): that is an answer, not an error.</remarks>
internal static unsafe partial class ExecutablePage
{
    private const int ProtReadWrite = 3;
    private const int ProtReadExecute = 5;
    private const int MapPrivate = 2;
    private const uint MemCommitReserve = 0x3000;
    private const uint MemRelease = 0x8000;
    private const uint PageReadWrite = 0x04;
    private const uint PageExecuteRead = 0x20;
    private const byte Trap = 0xCC;

    private static int MapAnonymous => OperatingSystem.IsMacOS() ? 0x1000 : 0x20;

    /// <summary>Puts <paramref name="code"/> on an executable page of its own. Empty and the address of the code, or the reason why not.</summary>
    public static string Create(ReadOnlySpan<byte> code, out nint entry) => Create(code, ProtReadExecute, out entry);

    /// <summary>The same with another protection asked of a Unix system in the end: one that it refuses tests the way back.</summary>
    internal static string Create(ReadOnlySpan<byte> code, int unixProtection, out nint entry)
    {
        entry = 0;
        var bytes = Environment.SystemPageSize;
        if (code.IsEmpty || code.Length > bytes)
            return $"the code has {code.Length} bytes and the page {bytes}";

        // Before any memory is mapped, so that a processor whose instruction cache cannot be flushed costs nothing.
        var flush = CacheFlush.Find();
        if (flush is null)
            return "the instruction cache cannot be flushed from here (no __clear_cache)";

        return OperatingSystem.IsWindows() ? CreateOnWindows(code, (nuint)bytes, flush, out entry) : CreateOnUnix(code, (nuint)bytes, unixProtection, flush, out entry);
    }

    private static string CreateOnUnix(ReadOnlySpan<byte> code, nuint bytes, int protection, CacheFlush flush, out nint entry)
    {
        entry = 0;
        var page = Map(null, bytes, ProtReadWrite, MapPrivate | MapAnonymous, -1, 0);
        if ((nint)page == -1)
            return $"the system refuses a page for the stub (errno {Marshal.GetLastSystemError()})";
        Fill(page, bytes, code);
        if (Protect(page, bytes, protection) != 0)
        {
            var error = Marshal.GetLastSystemError();
            _ = Unmap(page, bytes);
            return $"the system refuses executable memory (errno {error})";
        }

        flush.Run(page, bytes);
        entry = (nint)page;
        return "";
    }

    private static string CreateOnWindows(ReadOnlySpan<byte> code, nuint bytes, CacheFlush flush, out nint entry)
    {
        entry = 0;
        var page = VirtualAlloc(null, bytes, MemCommitReserve, PageReadWrite);
        if (page == null)
            return $"the system refuses a page for the stub (error {Marshal.GetLastSystemError()})";
        Fill(page, bytes, code);
        uint before;
        if (VirtualProtect(page, bytes, PageExecuteRead, &before) == 0)
        {
            var error = Marshal.GetLastSystemError();
            _ = VirtualFree(page, 0, MemRelease);
            return $"the system refuses executable memory (error {error})";
        }

        flush.Run(page, bytes);
        entry = (nint)page;
        return "";
    }

    // The rest of the page traps on x86 (int3), so that a stray jump stops at once.
    private static void Fill(void* page, nuint bytes, ReadOnlySpan<byte> code)
    {
        var target = new Span<byte>(page, (int)bytes);
        target.Fill(Trap);
        code.CopyTo(target);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);

    [LibraryImport("kernel32")]
    private static partial void* VirtualAlloc(void* address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(void* address, nuint bytes, uint protection, uint* before);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(void* address, nuint bytes, uint type);
}
