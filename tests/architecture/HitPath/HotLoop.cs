using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>The child process: calls the hit path until the JIT has compiled it with full optimisation, so that its listing can be read.</summary>
internal static unsafe class HotLoop
{
    private static int s_shared;

    // Delegates call the methods as they stand; a direct call might be inlined here and leave no listing of its own.
    private delegate void* AllocCall(ref ThreadCache cache, nuint size);

    private delegate void SizedFreeCall(ref ThreadCache cache, void* pointer, nuint size);

    private delegate void FreeCall(ref ThreadCache cache, void* pointer);

    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["library"]:
                Library(Level.Fast);
                break;
            case ["checked"]:
                Library(Level.Checked);
                break;
            case ["ambient"]:
                AmbientTwins.Library();
                break;
            case ["twins"]:
                AmbientTwins.Controls();
                break;
            case ["regions"]:
                RegionTwins.Library();
                break;
            case ["region-twins"]:
                RegionTwins.Controls();
                break;
            default:
                Controls();
                break;
        }

        return 0;
    }

    private static void Library(Level level)
    {
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { Level = level });
        var cache = allocator.CreateCache();
        AllocCall alloc = allocator.Alloc;
        SizedFreeCall sizedFree = allocator.Free;
        FreeCall free = allocator.Free;
        for (var round = 0; round < 60; round++)
        {
            for (nuint i = 0; i < 20_000; i++)
            {
                sizedFree(ref cache, alloc(ref cache, i & 127), i & 127);
                free(ref cache, alloc(ref cache, i & 1023));
            }

            Thread.Sleep(20); // the JIT promotes in the background
        }

        cache.Dispose();
    }

    private static void Controls()
    {
        for (var round = 0; round < 60; round++)
        {
            for (var i = 1; i < 20_000; i++)
                s_shared += PlantedLock(i) + PlantedDivision(i, i) + PlantedCall(i) + PlantedLoop(i & 3) + PlantedExchange(i) + PlantedClean(i);
            Thread.Sleep(20);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedLock(int value) => Interlocked.Add(ref s_shared, value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedExchange(int value) => Interlocked.Exchange(ref s_shared, value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedDivision(int value, int divisor) => value / divisor;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedCall(int value) => Cold(value) + 1;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedLoop(int value)
    {
        while (Volatile.Read(ref s_shared) == int.MinValue + value)
            value++;
        return value;
    }

    // As the hit path should be: a few loads, a rare case that calls, and the return.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int PlantedClean(int value) => value == 0 ? Cold(value) : s_shared + value;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Cold(int value) => value + s_shared;
}
