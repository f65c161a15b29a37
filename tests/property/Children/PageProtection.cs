using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>Makes pages inaccessible: any touch ends the process.</summary>
internal static unsafe partial class PageProtection
{
    private const nuint Page = 4096;

    private static readonly HashSet<nuint> s_protected = [];

    public static int Pages => s_protected.Count;

    /// <summary>Protects every page that the range shares a byte with.</summary>
    public static void Protect(nuint address, nuint bytes)
    {
        for (var page = address / Page * Page; page < address + bytes; page += Page)
            if (s_protected.Add(page) && MemoryProtect((void*)page, Page, 0) != 0)
                throw new InvalidOperationException($"mprotect of page {page:x} failed with error {Marshal.GetLastSystemError()}");
    }

    /// <summary>Protects again what a repeated commit of the allocator may have made accessible.</summary>
    public static void Again()
    {
        foreach (var page in s_protected)
            _ = MemoryProtect((void*)page, Page, 0);
    }

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int MemoryProtect(void* address, nuint bytes, int protection);
}
