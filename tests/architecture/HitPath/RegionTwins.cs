using System.Runtime.CompilerServices;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>Methods of the form of a region's short way through its slot, one right and the others each wrong in one way; and the loop that compiles the library's.</summary>
internal static unsafe class RegionTwins
{
    private const int Rounds = 60;
    private const int Calls = 20_000;

    public static void Library()
    {
        const nuint Size = 3 << 20;
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { Level = Level.Fast });
        var cache = allocator.CreateCache();
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < Calls; i++)
                allocator.Free(ref cache, allocator.Alloc(ref cache, Size), Size);
            Thread.Sleep(20); // the JIT promotes in the background
        }

        cache.Dispose();
    }

    public static void Controls()
    {
        var record = (CacheRecord*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)sizeof(CacheRecord));
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < Calls; i++)
                _ = PlantedTwin(record) + PlantedSwapped(record) + PlantedFence(record) + PlantedUnclaimed(record) + PlantedEarlyLeave(record) + PlantedStays(record) + PlantedExchange(record);
            Thread.Sleep(20);
        }

        System.Runtime.InteropServices.NativeMemory.Free(record);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedTwin(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        if (Volatile.Read(ref record->RegionsClaim) != 0)
            return Out(record);
        var value = record->Depth;
        Volatile.Write(ref record->RegionsInside, 0);
        record->PendingInUse += 5;
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedSwapped(CacheRecord* record)
    {
        if (Volatile.Read(ref record->RegionsClaim) != 0)
            return Out(record);
        Volatile.Write(ref record->RegionsInside, 1);
        var value = record->Depth;
        Volatile.Write(ref record->RegionsInside, 0);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedFence(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref record->RegionsClaim) != 0)
            return Out(record);
        var value = record->Depth;
        Volatile.Write(ref record->RegionsInside, 0);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedUnclaimed(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        var value = record->Depth;
        Volatile.Write(ref record->RegionsInside, 0);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedEarlyLeave(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        if (Volatile.Read(ref record->RegionsClaim) != 0)
            return Out(record);
        Volatile.Write(ref record->RegionsInside, 0);
        return Volatile.Read(ref record->Depth);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedStays(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        return Volatile.Read(ref record->RegionsClaim) != 0 ? Out(record) : record->Depth;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedExchange(CacheRecord* record)
    {
        Volatile.Write(ref record->RegionsInside, 1);
        if (Volatile.Read(ref record->RegionsClaim) != 0)
            return Out(record);
        var value = Interlocked.Exchange(ref record->Depth, 0);
        Volatile.Write(ref record->RegionsInside, 0);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Out(CacheRecord* record) => record->Link;
}
