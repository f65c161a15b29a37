using System.Runtime.InteropServices;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>A compiled twin, loaded.</summary>
internal sealed unsafe class TwinLibrary
{
    private readonly nint _handle;
    private readonly Dictionary<(string, LoopKind, bool), nint> _loops = [];

    /// <summary>Loads it.</summary>
    /// <exception cref="TwinException">It is not the twin that belongs to this program.</exception>
    public TwinLibrary(string path)
    {
        _handle = NativeLibrary.Load(path);
        var bytes = ((delegate* unmanaged<int>)NativeLibrary.GetExport(_handle, "twin_plan_bytes"))();
        if (bytes != sizeof(PlanWords))
            throw new TwinException($"a plan has {bytes} bytes in C and {sizeof(PlanWords)} in C#: LoopPlan.cs and twin.c differ");
        foreach (var kind in Enum.GetValues<LoopKind>())
        {
            var name = kind == LoopKind.LarsonDrain ? "larson_drain" : kind.ToString().ToLowerInvariant();
            foreach (var side in (string[])["twin", "peer"])
            {
                _loops[(side, kind, false)] = NativeLibrary.GetExport(_handle, $"{side}_{name}");
                _loops[(side, kind, true)] = NativeLibrary.GetExport(_handle, $"{side}_checked_{name}");
            }
        }
    }

    /// <summary>Its classes.</summary>
    public int Classes => ((delegate* unmanaged<int>)NativeLibrary.GetExport(_handle, "twin_classes"))();

    /// <summary>The class of a size.</summary>
    public int ClassOf(ulong size) => ((delegate* unmanaged<ulong, int>)NativeLibrary.GetExport(_handle, "twin_class_of"))(size);

    /// <summary>Bytes of a class's slots.</summary>
    public int SlotSize(int sizeClass) => ((delegate* unmanaged<int, int>)NativeLibrary.GetExport(_handle, "twin_slot_size"))(sizeClass);

    /// <summary>A loop's function: context, plan, operations.</summary>
    public delegate* unmanaged<void*, PlanWords*, ulong, ulong> Loop(string side, LoopKind kind, bool checks) => (delegate* unmanaged<void*, PlanWords*, ulong, ulong>)_loops[(side, kind, checks)];

    /// <summary>A new heap.</summary>
    public void* Open() => ((delegate* unmanaged<void*>)NativeLibrary.GetExport(_handle, "twin_open"))();

    /// <summary>A new cache of it.</summary>
    public void* Cache(void* heap) => ((delegate* unmanaged<void*, void*>)NativeLibrary.GetExport(_handle, "twin_cache"))(heap);

    /// <summary>Sends a cache home and ends it.</summary>
    public void CloseCache(void* cache) => ((delegate* unmanaged<void*, void>)NativeLibrary.GetExport(_handle, "twin_cache_close"))(cache);

    /// <summary>Ends a heap.</summary>
    public void Close(void* heap) => ((delegate* unmanaged<void*, void>)NativeLibrary.GetExport(_handle, "twin_close"))(heap);
}
