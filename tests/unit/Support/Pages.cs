using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>What the kernel says of pages, without touching them. Linux only.</summary>
internal static unsafe partial class Pages
{
    /// <summary>Whether every page of the range is mapped, with or without access.</summary>
    public static bool AreMapped(void* address, nuint bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        fixed (byte* vector = new byte[(bytes + page - 1) / page])
            return MemoryInCore(address, bytes, vector) == 0;
    }

    /// <summary>Bytes of the range that are resident.</summary>
    public static nuint ResidentBytes(void* address, nuint bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        var vector = new byte[bytes / page];
        fixed (byte* first = vector)
            Assert.Equal(0, MemoryInCore(address, bytes, first));
        return (nuint)vector.Count(v => (v & 1) != 0) * page;
    }

    /// <summary>Whether a byte can be read: the kernel is asked to copy it, and answers EFAULT where a touch of ours would end the process.</summary>
    public static bool IsReadable(void* address)
    {
        var ends = stackalloc int[2];
        Assert.Equal(0, Pipe(ends));
        var written = Write(ends[1], address, 1);
        _ = Close(ends[0]);
        _ = Close(ends[1]);
        return written == 1;
    }

    /// <summary>Locks pages in memory.</summary>
    public static bool Lock(void* address, nuint bytes) => MemoryLock(address, bytes) == 0;

    /// <summary>Bytes of the whole process that are resident.</summary>
    public static long ProcessResidentBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], null) * Environment.SystemPageSize;

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int MemoryInCore(void* address, nuint bytes, byte* vector);

    [LibraryImport("libc", EntryPoint = "mlock")]
    private static partial int MemoryLock(void* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "pipe")]
    private static partial int Pipe(int* ends);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int file, void* data, nuint bytes);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
