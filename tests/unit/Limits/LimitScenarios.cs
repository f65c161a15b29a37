using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>Scenarios that run in a process of their own, under limits of the kernel.</summary>
public static unsafe class LimitScenarios
{
    private const int Size = 60_000;

    /// <summary>Takes all there is, reads the message, checks what lives, frees, and goes on. Returns a line of what was found.</summary>
    public static string Exhaust()
    {
        WarmUp();
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var stretch = Placement<HardwareAtomics>.StretchAt(cache.Record->Heap, 0)->Length;
        var slots = new List<nint>(200_000);
        AllocatorOutOfMemoryException? error = null;
        try
        {
            while (slots.Count < slots.Capacity)
                slots.Add(Stamp((ulong*)allocator.Alloc(ref cache, Size)));
        }
        catch (AllocatorOutOfMemoryException e)
        {
            error = e;
        }

        // First of all room for the runtime itself.
        var intact = slots.TrueForAll(IsStamped);
        for (var i = 0; i < slots.Count / 2; i++)
            allocator.Free(ref cache, (void*)slots[i], Size);
        var again = 0;
        for (; again < slots.Count / 2 && allocator.TryAlloc(ref cache, Size, out var slot, out _); again++)
            slots[again] = Stamp((ulong*)slot);
        intact &= slots.TrueForAll(IsStamped);
        foreach (var slot in slots)
            allocator.Free(ref cache, (void*)slot);
        cache.Dispose();
        var live = allocator.GetStatistics().LiveBytes;
        var told = error is not null && error.Message.Contains(error.Error.ToString(), StringComparison.Ordinal)
            && error.Message.Contains("bytes live", StringComparison.Ordinal) && error.Message.Contains("reserved", StringComparison.Ordinal);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{error?.Error} {(told ? "told" : "untold")} {(intact ? "intact" : "damaged")} {(again == slots.Count / 2 ? "again" : "stuck")} {live} left, {slots.Count >> 4} MiB, stretch {stretch >> 20} MiB");
    }

    /// <summary>What an ordinary program does, and the reserved bytes it got for it.</summary>
    public static string Work()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = new nint[20_000];
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < slots.Length; i++)
                slots[i] = Stamp((ulong*)allocator.Alloc(ref cache, (nuint)(16 + (i * 7 % 3000))));
            foreach (var slot in slots)
            {
                if (!IsStamped(slot))
                    return "damaged";
                allocator.Free(ref cache, (void*)slot);
            }
        }

        cache.Dispose();
        return $"fine, {allocator.GetStatistics().ReservedBytes >> 20} MiB reserved";
    }

    /// <summary>A first allocator with a small reservation, then many caches of a second one.</summary>
    public static string ManyCachesAfterASmallFirstAllocator()
    {
        using var small = new BitTreeAllocator(new() { ReserveBytes = 16 << 20 });
        using var allocator = new BitTreeAllocator();
        var caches = new ThreadCache[3000];
        foreach (ref var cache in caches.AsSpan())
            cache = allocator.CreateCache();
        foreach (ref var cache in caches.AsSpan())
            cache.Dispose();
        return "fine";
    }

    private static nint Stamp(ulong* slot)
    {
        *slot = (ulong)slot ^ 0x5555;
        return (nint)slot;
    }

    private static bool IsStamped(nint slot) => *(ulong*)slot == ((ulong)slot ^ 0x5555);

    /// <summary>The refusing path runs once before: at the limit the runtime may find no room for its code.</summary>
    private static void WarmUp()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 8 << 20 });
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table, ReserveBytes = 16 << 20 });
        var cache = allocator.CreateCache();
        try
        {
            for (; ; )
                Stamp((ulong*)allocator.Alloc(ref cache, Size));
        }
        catch (AllocatorOutOfMemoryException e)
        {
            _ = e.Message.Contains(e.Error.ToString(), StringComparison.Ordinal);
        }

        _ = allocator.TryAlloc(ref cache, Size, out _, out _);
        cache.Dispose();
    }
}
