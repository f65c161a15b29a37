using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>A loop that never has enough, in a process of its own, with a hard limit of 64 MiB.</summary>
public static unsafe class HardLimitScenarios
{
    private const ulong Limit = 64ul << 20;

    /// <summary>Slots of many sizes, every page of them touched. Returns the reason, handler calls, the growth of the resident peak in KiB, and whether contents held.</summary>
    public static string OverAllocate()
    {
        using var allocator = new BitTreeAllocator(new() { SoftLimitBytes = Limit / 2 });
        var told = new int[2];
        allocator.LimitReached += (_, args) => told[(int)args.Kind]++;
        var cache = allocator.CreateCache();
        var slots = new List<(nint Address, int Size)>(4_000_000);

        // The same once with little, so that what the runtime needs for it is there before the measurement.
        allocator.HardLimitBytes = 4ul << 20;
        Fill(allocator, ref cache, slots, out _);
        FreeAll(allocator, ref cache, slots);
        allocator.Trim(ref cache);
        GC.Collect();
        var before = Status("VmRSS:");
        allocator.HardLimitBytes = Limit;
        Fill(allocator, ref cache, slots, out var reason);
        var grown = Status("VmHWM:") - before;
        var intact = FreeAll(allocator, ref cache, slots);
        cache.Dispose();
        return string.Create(CultureInfo.InvariantCulture, $"{reason} {told[0]} {told[1]} {grown} {(intact ? "intact" : "damaged")} {allocator.GetStatistics().LiveBytes} left");
    }

    private static void Fill(BitTreeAllocator allocator, ref ThreadCache cache, List<(nint Address, int Size)> slots, out AllocError reason)
    {
        for (var i = 0; ; i++)
        {
            var size = i % 97 == 0 ? 150_000 : 16 << (i % 12);
            if (!allocator.TryAlloc(ref cache, (nuint)size, out var slot, out reason))
                return;
            new Span<byte>(slot, size).Fill((byte)slots.Count);
            slots.Add(((nint)slot, size));
        }
    }

    private static bool FreeAll(BitTreeAllocator allocator, ref ThreadCache cache, List<(nint Address, int Size)> slots)
    {
        var intact = true;
        for (var i = 0; i < slots.Count; i++)
        {
            intact &= !new Span<byte>((void*)slots[i].Address, slots[i].Size).ContainsAnyExcept((byte)i);
            allocator.Free(ref cache, (void*)slots[i].Address, (nuint)slots[i].Size);
        }

        slots.Clear();
        return intact;
    }

    private static long Status(string name) =>
        long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
}
