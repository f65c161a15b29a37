using System.Runtime.CompilerServices;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>Methods of the form of an ambient hit, one right and the others each wrong in one way, for the control of <see cref="AmbientOrder"/>; and the loop that compiles the library's.</summary>
internal static unsafe class AmbientTwins
{
    // Delegates call the methods as they stand; a direct call might be inlined here and leave no listing of its own.
    private delegate void* AllocCall(nuint size);

    private delegate void SizedFreeCall(void* pointer, nuint size);

    private delegate void FreeCall(void* pointer);

    public static void Library()
    {
        using var allocator = new BitTreeAllocator();
        AllocCall alloc = allocator.Alloc;
        SizedFreeCall sizedFree = allocator.Free;
        FreeCall free = allocator.Free;
        for (var round = 0; round < 60; round++)
        {
            for (nuint i = 0; i < 20_000; i++)
            {
                sizedFree(alloc(i & 127), i & 127);
                free(alloc(i & 1023));
            }

            Thread.Sleep(20); // the JIT promotes in the background
        }
    }

    public static void Controls()
    {
        var record = (CacheRecord*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)sizeof(CacheRecord));
        for (var round = 0; round < 60; round++)
        {
            for (var i = 0; i < 20_000; i++)
                _ = PlantedTwin(record) + PlantedSwapped(record) + PlantedFence(record) + PlantedUnclaimed(record) + PlantedEarlyLeave(record) + PlantedStays(record);
            Thread.Sleep(20);
        }

        System.Runtime.InteropServices.NativeMemory.Free(record);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedTwin(CacheRecord* record)
    {
        Volatile.Write(ref record->Active, 1);
        if ((Volatile.Read(ref record->Claim) & 3) != 0)
            return Cold(record);
        var value = record->Depth;
        Volatile.Write(ref record->Active, 2);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedSwapped(CacheRecord* record)
    {
        if ((Volatile.Read(ref record->Claim) & 3) != 0)
            return Cold(record);
        Volatile.Write(ref record->Active, 1);
        var value = record->Depth;
        Volatile.Write(ref record->Active, 2);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedFence(CacheRecord* record)
    {
        Volatile.Write(ref record->Active, 1);
        Interlocked.MemoryBarrier();
        if ((Volatile.Read(ref record->Claim) & 3) != 0)
            return Cold(record);
        var value = record->Depth;
        Volatile.Write(ref record->Active, 2);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedUnclaimed(CacheRecord* record)
    {
        Volatile.Write(ref record->Active, 1);
        var value = record->Depth;
        Volatile.Write(ref record->Active, 2);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedEarlyLeave(CacheRecord* record)
    {
        Volatile.Write(ref record->Active, 1);
        if ((Volatile.Read(ref record->Claim) & 3) != 0)
            return Cold(record);
        Volatile.Write(ref record->Active, 2);
        return Volatile.Read(ref record->Depth);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PlantedStays(CacheRecord* record)
    {
        Volatile.Write(ref record->Active, 1);
        if ((Volatile.Read(ref record->Claim) & 3) != 0)
            return Cold(record);
        return record->Depth;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Cold(CacheRecord* record) => record->Link;
}
