using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>The system's own calls: a mapping per buffer, nothing kept. The floor of memory, and of what reuse is worth. Linux only.</summary>
internal readonly unsafe partial struct MmapBuffers : IBenchAdapter<MmapBuffers, nint>
{
    private const int ReadWrite = 1 | 2;
    private const int PrivateAnonymous = 2 | 0x20;

    /// <summary>Whether the figures of the flags above are this system's.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool Moves => false;

    /// <inheritdoc/>
    public static Abilities Abilities => Abilities.Large;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Alloc(nuint size)
    {
        var start = Mmap(0, size, ReadWrite, PrivateAnonymous, -1, 0);
        return start != -1 ? start : throw new OutOfMemoryException($"mmap refused {size} bytes");
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(nint buffer, nuint size)
    {
        if (Munmap(buffer, size) != 0)
            throw new InvalidOperationException($"munmap refused {size} bytes at 0x{buffer:x}");
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte Start(nint buffer) => ref *(byte*)buffer;

    /// <inheritdoc/>
    public MmapBuffers ForThread() => this;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <inheritdoc/>
    public void Trim()
    {
    }

    /// <inheritdoc/>
    public long? OsCalls() => null;

    /// <inheritdoc/>
    public void Close()
    {
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Mmap(nint hint, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(nint start, nuint length);
}
