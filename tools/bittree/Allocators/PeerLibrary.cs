using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>An allocator in a shared library: which files may hold it and what its calls are named.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Files">File names to try, in this order.</param>
/// <param name="Prefix">What stands before malloc, calloc, realloc, free and memalign.</param>
/// <param name="UsableSize">The name of its usable-size call.</param>
/// <param name="Package">The Debian package that brings it, for the warning.</param>
internal sealed record PeerDescription(string Name, string[] Files, string Prefix, string UsableSize, string Package)
{
    /// <summary>A library of the user's, with the C library's names.</summary>
    public static PeerDescription Of(string name, string path) => new(name, [path], "", "malloc_usable_size", "");
}

/// <summary>A peer's functions, taken from its own handle: dlopen loads it privately, so the process keeps its malloc.</summary>
internal sealed unsafe class PeerLibrary
{
    private static readonly Dictionary<string, PeerLibrary?> s_loaded = [];

    private readonly nint _handle;

    private PeerLibrary(nint handle, PeerDescription description)
    {
        _handle = handle;
        Malloc = (delegate* unmanaged[SuppressGCTransition]<nuint, void*>)Export(description.Prefix + "malloc");
        Calloc = (delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*>)Export(description.Prefix + "calloc");
        Realloc = (delegate* unmanaged[SuppressGCTransition]<void*, nuint, void*>)Export(description.Prefix + "realloc");
        Free = (delegate* unmanaged[SuppressGCTransition]<void*, void>)Export(description.Prefix + "free");
        var memalign = Optional(description.Prefix + "memalign"); // The other one takes the same arguments, and is the one that newer libraries have.
        Memalign = (delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*>)(memalign != 0 ? memalign : Export(description.Prefix + "aligned_alloc"));
        UsableSize = (delegate* unmanaged[SuppressGCTransition]<void*, nuint>)Optional(description.UsableSize);
    }

    /// <summary>The peers this tool knows by name.</summary>
    public static IReadOnlyList<PeerDescription> Known { get; } =
    [
        new("mimalloc", ["libmimalloc.so.2", "libmimalloc.so", "libmimalloc.so.3"], "mi_", "mi_usable_size", "libmimalloc2.0"),
        new("jemalloc", ["libjemalloc.so.2", "libjemalloc.so"], "", "malloc_usable_size", "libjemalloc2"),
        new("tcmalloc", ["libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so", "libtcmalloc.so.4", "libtcmalloc.so"], "tc_", "tc_malloc_size", "libtcmalloc-minimal4"),
    ];

    /// <summary>malloc.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<nuint, void*> Malloc;

    /// <summary>calloc.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*> Calloc;

    /// <summary>realloc.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<void*, nuint, void*> Realloc;

    /// <summary>free.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<void*, void> Free;

    /// <summary>memalign: alignment, then size.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*> Memalign;

    /// <summary>Usable bytes, or null.</summary>
    public readonly delegate* unmanaged[SuppressGCTransition]<void*, nuint> UsableSize;

    /// <summary>Loads a peer once; false where it is not installed or lacks a call.</summary>
    public static bool TryLoad(PeerDescription description, [NotNullWhen(true)] out PeerLibrary? library)
    {
        var key = $"{description.Name}={description.Files[0]}";
        if (!s_loaded.TryGetValue(key, out library))
            s_loaded[key] = library = Load(description);
        return library is not null;
    }

    /// <summary>True where the peer is installed, but only a new process can load it; see <see cref="StaticTls"/>.</summary>
    public static bool NeedsNewProcess(PeerDescription description) => !TryLoad(description, out _) && StaticTls.IsWhatsMissing(description.Files);

    /// <summary>Why a library of the user's cannot be loaded, in a few words; null where it can.</summary>
    public static string? WhyNot(PeerDescription description)
    {
        if (TryLoad(description, out var library))
            return library.Malloc == CMalloc() ? "it has no malloc of its own" : null;
        try
        {
            var handle = NativeLibrary.Load(description.Files[0]);
            var missing = ((string[])["malloc", "calloc", "realloc", "free", "aligned_alloc"]).FirstOrDefault(call => !NativeLibrary.TryGetExport(handle, call, out _));
            return $"it has no {missing}";
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
    }

    /// <summary>Gives free memory back by whichever call the library has; each looks for its own name.</summary>
    public void Trim()
    {
        if (Optional("mi_collect") is var collect and not 0)
            ((delegate* unmanaged<byte, void>)collect)(1);
        if (Optional("MallocExtension_MarkThreadIdle") is var idle and not 0)
            ((delegate* unmanaged<void>)idle)();
        if (Optional("MallocExtension_ReleaseFreeMemory") is var release and not 0)
            ((delegate* unmanaged<void>)release)();
        if (Optional("mallctl") is not (var control and not 0))
            return;
        var call = (delegate* unmanaged<byte*, void*, nuint*, void*, nuint, int>)control;
        fixed (byte* flush = "thread.tcache.flush\0"u8, purge = "arena.4096.purge\0"u8)
        {
            _ = call(flush, null, null, null, 0);
            _ = call(purge, null, null, null, 0);
        }
    }

    private static PeerLibrary? Load(PeerDescription description)
    {
        foreach (var file in description.Files)
        {
            if (!NativeLibrary.TryLoad(file, out var handle))
                continue;
            try
            {
                return new PeerLibrary(handle, description);
            }
            catch (EntryPointNotFoundException)
            {
                NativeLibrary.Free(handle);
            }
        }

        return null;
    }

    // Looking a name up in a library also finds it in those that the library needs.
    private static void* CMalloc() => NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "malloc", out var malloc) ? (void*)malloc : null;

    private nint Export(string name) => NativeLibrary.GetExport(_handle, name);

    private nint Optional(string name) => NativeLibrary.TryGetExport(_handle, name, out var address) ? address : 0;
}
