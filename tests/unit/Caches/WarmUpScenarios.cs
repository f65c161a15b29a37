using System.Globalization;
using System.Runtime;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>The first allocations of a process, with and without a warm-up before. Every scenario answers "OS calls, GC bytes, compiled methods" of those that follow.</summary>
public static unsafe class WarmUpScenarios
{
    public static string ExplicitMany() => Run(false, 100, 5000);

    public static string AmbientMany() => Run(true, 100, 5000);

    public static string ExplicitOne() => Run(false, 100, 1);

    public static string AmbientOne() => Run(true, 16, 1);

    public static string ExplicitLarge() => Run(false, 40_000, 300);

    public static string AmbientLarge() => Run(true, 65_536, 300);

    public static string AmbientSmall() => Run(true, 8, 20_000);

    public static string ControlExplicit() => Run(false, 100, 5000, warm: false);

    public static string ControlAmbient() => Run(true, 100, 5000, warm: false);

    /// <summary>What count allocations cost the calling thread. Nothing of the allocator is called on the way but Alloc; the loop itself is compiled once and for all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (long OsCalls, long Bytes, long Methods) Measure(SimulatedVirtualMemory os, BitTreeAllocator allocator, ref ThreadCache cache, bool ambient, nuint size, Span<nint> slots)
    {
        var calls = os.TotalCalls;
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var methods = JitInfo.GetCompiledMethodCount(currentThread: true);
        for (var i = 0; i < slots.Length; i++)
            slots[i] = (nint)(ambient ? allocator.Alloc(size) : allocator.Alloc(ref cache, size));
        methods = JitInfo.GetCompiledMethodCount(currentThread: true) - methods;
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        return (os.TotalCalls - calls, bytes, methods);
    }

    private static string Run(bool ambient, nuint size, int count, bool warm = true)
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        var cache = ambient ? default : allocator.CreateCache();
        var slots = new nint[count];
        _ = Measure(os, allocator, ref cache, ambient, size, []); // the measuring itself is compiled
        if (warm && ambient)
            allocator.WarmUp(size, count);
        else if (warm)
            allocator.WarmUp(ref cache, size, count);
        var (calls, bytes, methods) = Measure(os, allocator, ref cache, ambient, size, slots);
        return string.Create(CultureInfo.InvariantCulture, $"{calls} {bytes} {methods}");
    }
}
