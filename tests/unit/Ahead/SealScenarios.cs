using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tests.Unit.Ahead;

/// <summary>A steady phase over the real system, made ready and sealed, in a process of its own. Two calls that fail, and that nobody else makes, mark its begin and its end in a trace of system calls.</summary>
public static unsafe partial class SealScenarios
{
    /// <summary>The file number of the marks.</summary>
    public const int Mark = -1234;

    private const int MiB = 1 << 20;
    private const int Live = 48;
    private const int FirstSteps = 10_000;
    private const int Steps = 30_000;
    private static readonly int[] s_sizes = [16, 100, 100, 500, 1000, 4000, 20_000, 60_000, 100_000, 500_000, 3 * MiB, 3 * MiB, 20 * MiB];

    /// <summary>"faults F calls C broken B" of the sealed phase.</summary>
    public static string Sealed() => Run(isReady: true);

    /// <summary>The control: the same phase of a fresh allocator with no seal.</summary>
    public static string Unprepared() => Run(isReady: false);

    /// <summary>Needs a call under a seal that ends the process.</summary>
    public static string EndsForBlock() => End((allocator, cache) => allocator.Alloc(ref cache, 100));

    /// <summary>As above, for a region.</summary>
    public static string EndsForRegion() => End((allocator, cache) => allocator.Alloc(ref cache, 3 * MiB));

    private static string Run(bool isReady)
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = (nint*)NativeMemory.AllocZeroed(Live, (nuint)sizeof(nint));

        // The code of every path is compiled, with an allocator of its own where this one is to stay fresh.
        using (var other = new BitTreeAllocator())
        {
            var rehearsal = other.CreateCache();
            Phase(other, ref rehearsal, slots, FirstSteps, 7);
            Empty(other, ref rehearsal, slots);
            rehearsal.Dispose();
        }

        if (isReady)
        {
            // A third of the slots are enough for the largest: one in thirteen asks for it.
            foreach (var size in s_sizes.Distinct())
            {
                allocator.PrefaultAsync((nuint)size, size > 16 * MiB ? Live / 3 : 2 * Live).GetAwaiter().GetResult();
                if (size <= BitTreeAllocator.MaxMediumSize)
                    allocator.WarmUp(ref cache, (nuint)size, 2 * Live);
            }

            allocator.Seal(OnOsCall.FailFast);

            // The phase is steady from here on: pages of the allocator's own words, which nothing prepares, are touched the first time before it (one page of 4 KiB was).
            Phase(allocator, ref cache, slots, FirstSteps, 7);
        }

        _ = allocator.GetStatistics();
        var figures = allocator.GetStatistics();
        _ = Close(Mark + 1);
        _ = Faults();
        var faults = Faults();
        _ = Close(Mark);
        Phase(allocator, ref cache, slots, Steps, 11);
        _ = Close(Mark);
        faults = Faults() - faults;
        var after = allocator.GetStatistics();
        if (isReady)
            allocator.Unseal();
        Empty(allocator, ref cache, slots);
        return string.Create(CultureInfo.InvariantCulture, $"faults {faults} calls {after.OsCalls - figures.OsCalls} broken {after.SealBrokenCalls}");
    }

    /// <summary>Frees and allocates at random; the first and the last byte of each are written and read back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Phase(BitTreeAllocator allocator, ref ThreadCache cache, nint* slots, int steps, uint seed)
    {
        for (var step = 0; step < steps; step++)
        {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            var index = seed % Live;
            if (slots[index] != 0)
            {
                var old = (byte*)slots[index];
                if (*old != (byte)index)
                    Environment.FailFast("a live slot lost its contents");
                allocator.Free(ref cache, old);
            }

            var size = s_sizes[seed / Live % (uint)s_sizes.Length];
            var slot = (byte*)allocator.Alloc(ref cache, (nuint)size);
            slot[size - 1] = (byte)index;
            *slot = (byte)index;
            slots[index] = (nint)slot;
        }
    }

    private static void Empty(BitTreeAllocator allocator, ref ThreadCache cache, nint* slots)
    {
        for (var index = 0; index < Live; index++)
        {
            if (slots[index] != 0)
                allocator.Free(ref cache, (void*)slots[index]);
            slots[index] = 0;
        }
    }

    private static string End(Action<BitTreeAllocator, ThreadCache> act)
    {
        var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        allocator.Seal(OnOsCall.FailFast);
        act(allocator, cache);
        return "still here";
    }

    /// <summary>Page faults of the calling thread so far, small ones and large ones.</summary>
    internal static long Faults()
    {
        const int ThisThread = 1;
        const int Minor = 8;
        var usage = stackalloc long[32];
        return GetUsage(ThisThread, usage) == 0 ? usage[Minor] + usage[Minor + 1] : -1;
    }

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, long* usage);
}
