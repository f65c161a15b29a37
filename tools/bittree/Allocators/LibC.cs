using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>The one call of the C library that <see cref="NativeMemory"/> does not offer.</summary>
internal static unsafe class LibC
{
    private static readonly delegate* unmanaged<nuint, int> s_mallocTrim = Find();

    /// <summary>Gives the C library's free memory back (glibc's malloc_trim; nothing elsewhere).</summary>
    public static void Trim()
    {
        if (s_mallocTrim != null)
            _ = s_mallocTrim(0);
    }

    private static delegate* unmanaged<nuint, int> Find() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out var trim)
            ? (delegate* unmanaged<nuint, int>)trim
            : null;
}
