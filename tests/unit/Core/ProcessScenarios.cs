using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Scenarios that run in a process of their own. Each returns names and numbers in turn.</summary>
public static unsafe partial class ProcessScenarios
{
    private const int Threads = 64;
    private const int BytesPerThread = 4 << 20;
    private static readonly int[] s_sizes = [24, 100, 200, 500, 1000, 2000, 4000, 9000];

    /// <summary>More than 200 000 blocks of one slot, every second one given back; one page of every fourth was touched.</summary>
    public static string ScatteredBlocks()
    {
        using var allocator = new BitTreeAllocator(new() { Purging = PurgeMode.Off });
        var cache = allocator.CreateCache();
        var slots = new nint[201_000];
        for (var i = 0; i < slots.Length; i++)
        {
            slots[i] = (nint)allocator.Alloc(ref cache, 65_536);
            if (i % 2 == 0 || i % 16 == 1)
                *(long*)slots[i] = slots[i];
        }

        for (var i = 0; i < slots.Length; i += 2)
            allocator.Free(ref cache, (void*)slots[i], 65_536);
        var result = allocator.Trim(ref cache);
        for (var i = 1; i < slots.Length; i += 16)
        {
            if (*(long*)slots[i] != slots[i])
                throw new InvalidOperationException("a live slot lost its contents");
        }

        return Line(("mappings", Mappings()), ("purged", (long)result.PurgedBytes), ("empty", slots.Length - allocator.GetStatistics().Classes[BitTreeAlloc.Bits.SizeClasses.LastSmall - 1].LiveSlots));
    }

    /// <summary>What ScatteredBlocks would show of an allocator that takes the access from what it purges.</summary>
    public static string ScatteredProtections()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        for (var i = 0; i < 6000; i++)
        {
            var slot = allocator.Alloc(ref cache, 65_536);
            if (i % 2 == 0 && MemoryProtect(slot, 65_536, 0) != 0)
                break;
        }

        return Line(("mappings", Mappings()));
    }

    public static string SleepersWithAmbientCaches() => Sleepers((allocator, thread) => Work(thread, size => (nint)allocator.Alloc(size), (slot, size) => allocator.Free((void*)slot, size)));

    public static string SleepersWithParkedCaches() => Sleepers((allocator, thread) => WithCache(allocator, thread, park: true));

    /// <summary>The control: caches by reference that nobody parks and nobody else may touch.</summary>
    public static string SleepersWithFullCaches() => Sleepers((allocator, thread) => WithCache(allocator, thread, park: false));

    public static string OneThread()
    {
        using (var small = new BitTreeAllocator())
            Grow(small, 100);
        using var allocator = new BitTreeAllocator();
        var before = Pages.ProcessResidentBytes();
        var (full, live) = Grow(allocator, 256 << 20);
        return Line(("before", before), ("full", full), ("after", Pages.ProcessResidentBytes()), ("live", live));
    }

    /// <summary>A gigabyte lives, four threads work, and a hundred programs start and say what they inherited.</summary>
    public static string Children()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var live = new nint[(1 << 30) / 32_768];
        for (var i = 0; i < live.Length; i++)
        {
            live[i] = (nint)allocator.Alloc(ref cache, 32_768);
            for (var at = 0; at < 32_768; at += 4096)
                *(long*)(live[i] + at) = live[i] + at;
        }

        var liveBytes = (long)allocator.GetStatistics().LiveBytes;
        var stop = false;
        var rounds = 0L;
        var workers = Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                var own = allocator.CreateCache();
                Work(number, size => (nint)allocator.Alloc(ref own, size), (slot, size) => allocator.Free(ref own, (void*)slot, size), bytes: 200_000, keep: false);
                own.Dispose();
                Interlocked.Increment(ref rounds);
            }
        })).ToArray();
        foreach (var worker in workers)
            worker.Start();
        var (children, largest) = (0, 0L);
        for (; children < 100; children++)
        {
            using var child = Process.Start(new ProcessStartInfo("cat", ["/proc/self/status"]) { RedirectStandardOutput = true })!;
            var text = child.StandardOutput.ReadToEnd();
            child.WaitForExit();
            if (child.ExitCode != 0)
                break;
            largest = Math.Max(largest, Math.Max(KiB(text, "VmHWM:"), KiB(text, "VmRSS:")) << 10);
        }

        Volatile.Write(ref stop, true);
        foreach (var worker in workers)
            worker.Join();
        foreach (var slot in live)
        {
            for (var at = 0; at < 32_768; at += 4096)
            {
                if (*(long*)(slot + at) != slot + at)
                    throw new InvalidOperationException("a live slot lost its contents");
            }
        }

        return Line(("children", children), ("largest", largest), ("live", liveBytes), ("rounds", rounds));
    }

    private static long KiB(string status, string name) =>
        long.Parse(status.Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);

    /// <summary>64 threads fill and free most of 256 MiB; 63 sleep for ever, one trims.</summary>
    private static string Sleepers(Func<BitTreeAllocator, int, long> work)
    {
        // Every thread works once on another allocator: code, stacks and pools of the runtime are there before the baseline is read.
        var first = new BitTreeAllocator();
        using var allocator = new BitTreeAllocator(new() { Purging = PurgeMode.Off });
        using var warm = new CountdownEvent(Threads - 1);
        using var begin = new ManualResetEventSlim();
        using var filled = new CountdownEvent(Threads - 1);
        using var free = new ManualResetEventSlim();
        using var asleep = new CountdownEvent(Threads - 1);
        var live = 0L;
        s_bytes = 200_000;
        for (var thread = 1; thread < Threads; thread++)
        {
            var number = thread;
            new Thread(
                () =>
                {
                    work(first, number);
                    warm.Signal();
                    begin.Wait();
                    Interlocked.Add(ref live, work(allocator, number));
                    asleep.Signal();
                    Thread.Sleep(Timeout.Infinite);
                },
                256 << 10)
            { IsBackground = true }.Start();
        }

        warm.Wait();
        first.Trim();
        first.Dispose();
        s_bytes = BytesPerThread;
        s_filled = () =>
        {
            filled.Signal();
            free.Wait();
        };
        var before = Pages.ProcessResidentBytes();
        begin.Set();
        filled.Wait();
        var full = Pages.ProcessResidentBytes();
        free.Set();
        asleep.Wait();
        allocator.Trim();
        var after = Pages.ProcessResidentBytes();
        var line = Line(("before", before), ("full", full), ("after", after), ("live", (long)allocator.GetStatistics().LiveBytes), ("asked", live));
        Console.WriteLine(line);
        Console.Out.Flush();
        Environment.Exit(0); // the sleepers hold the allocator
        return line;
    }

    private static int s_bytes = BytesPerThread;

    private static Action s_filled = () => { };

    private static long WithCache(BitTreeAllocator allocator, int thread, bool park)
    {
        var cache = allocator.CreateCache();
        var live = Work(thread, size => (nint)allocator.Alloc(ref cache, size), (slot, size) => allocator.Free(ref cache, (void*)slot, size));
        if (park)
            cache.Park();
        return live;
    }

    /// <summary>Allocates and touches, waits where all wait, and frees all but the first quarter. Returns the bytes that stay.</summary>
    private static long Work(int seed, Func<nuint, nint> alloc, Action<nint, nuint> free, int bytes = 0, bool keep = true)
    {
        bytes = bytes == 0 ? s_bytes : bytes;

        // Native: the collector's heap is no part of what is measured.
        var slots = (nint*)NativeMemory.Alloc((nuint)(bytes / 8), (nuint)sizeof(nint));
        var (count, done, live) = (0, 0L, 0L);
        var kept = 0;
        for (; done < bytes; count++)
        {
            // Long runs of one size: what stays lies side by side.
            var size = s_sizes[(done * s_sizes.Length / bytes + seed) % s_sizes.Length];
            slots[count] = alloc((nuint)size);
            new Span<byte>((void*)slots[count], size).Fill((byte)seed);
            *(int*)slots[count] = size;
            done += size;
            if (keep && done <= bytes / 4)
                (kept, live) = (count + 1, done);
        }

        if (keep)
            s_filled();
        for (var i = kept; i < count; i++)
            free(slots[i], (nuint)(*(int*)slots[i]));
        NativeMemory.Free(slots);
        return live;
    }

    private static (long Full, long Live) Grow(BitTreeAllocator allocator, int bytes)
    {
        var cache = allocator.CreateCache();
        var full = 0L;
        s_filled = () => full = Pages.ProcessResidentBytes();
        Work(1, size => (nint)allocator.Alloc(ref cache, size), (slot, size) => allocator.Free(ref cache, (void*)slot, size), bytes);
        allocator.Trim(ref cache);
        return (full, (long)allocator.GetStatistics().LiveBytes);
    }

    private static long Mappings() => File.ReadLines("/proc/self/maps").Count();

    private static string Line(params (string Name, long Value)[] words) => string.Join(' ', words.Select(word => string.Create(CultureInfo.InvariantCulture, $"{word.Name} {word.Value}")));

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int MemoryProtect(void* address, nuint bytes, int protection);
}
