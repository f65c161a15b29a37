using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>
/// Threads that allocate, free and then sleep for ever, in a process of their own, so that what is resident is theirs. Every scenario answers "resident limit cached allowed live".
/// BITTREE_TRIM_MIB says how many MiB are live at the peak (256 where it is not set).
/// </summary>
public static unsafe class IdleThreadScenarios
{
    private const int ThreadCount = 64;
    private static readonly int[] s_sizes = [16, 48, 100, 256, 700, 1024, 3000, 100, 24, 9000, 64, 400, 200, 40_000, 32, 2000];
    private static readonly int s_bytesPerRound = s_sizes.Sum();

    private enum Kind
    {
        Ambient,
        Parked,
        Unparked,
    }

    public static string AmbientTrimmedByTheLast() => Run(Kind.Ambient, fresh: false);

    public static string AmbientTrimmedByAFreshThread() => Run(Kind.Ambient, fresh: true);

    public static string AmbientNotClaimed() => Run(Kind.Ambient, fresh: true, claim: false);

    public static string AmbientNotTrimmed() => Run(Kind.Ambient, fresh: true, trim: false);

    public static string ExplicitParked() => Run(Kind.Parked, fresh: true);

    public static string ExplicitUnparked() => Run(Kind.Unparked, fresh: true);

    private static string Run(Kind kind, bool fresh, bool claim = true, bool trim = true)
    {
        var mib = Environment.GetEnvironmentVariable("BITTREE_TRIM_MIB") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 256;
        var perThread = (int)(((long)mib << 20) / ThreadCount / s_bytesPerRound * s_sizes.Length);
        var slots = new nint[ThreadCount][];
        for (var i = 0; i < ThreadCount; i++)
            Array.Fill(slots[i] = new nint[perThread], 1);

        // The same on another allocator first, small: code is compiled, stacks are touched, the threads are there.
        using var small = new BitTreeAllocator();
        using var allocator = new BitTreeAllocator(new() { ClaimIdleCaches = claim });
        using var phase = new Barrier(ThreadCount + 1);
        using var never = new ManualResetEventSlim();
        using var wake = new ManualResetEventSlim();
        using var trimmed = new ManualResetEventSlim();
        var failures = 0;
        for (var i = 0; i < ThreadCount; i++)
        {
            var number = i;
            new Thread(() =>
            {
                Work(small, kind, slots, number, 64, phase, ref failures);
                phase.SignalAndWait();
                Work(allocator, kind, slots, number, perThread, phase, ref failures);
                if (!fresh && number == ThreadCount - 1)
                {
                    wake.Wait();
                    allocator.Trim();
                    trimmed.Set();
                }

                never.Wait();
            })
            { IsBackground = true }.Start();
        }

        for (var i = 0; i < 4; i++)
            phase.SignalAndWait();
        small.Trim();
        Thread.Sleep(100);
        var baseline = Resident();
        phase.SignalAndWait();
        phase.SignalAndWait();
        var live = (long)allocator.GetStatistics().LiveBytes;
        for (var i = 0; i < 3; i++)
            phase.SignalAndWait();

        // The others are asleep by then, or about to be: none of them is inside a call.
        Thread.Sleep(100);
        wake.Set();
        if (!fresh)
            trimmed.Wait();
        else if (trim)
            allocator.Trim();
        var resident = Resident() - baseline;
        var figures = allocator.GetStatistics();
        var allowed = s_sizes.Select(size => (int)BitTreeAllocator.GoodSize((nuint)size)).Distinct().Sum(size => ThreadCount * (long)CacheProbe.MagazineSlots(size) * size);
        var perClass = figures.Classes.All(one => one.CachedSlots <= ThreadCount * CacheProbe.MagazineSlots(one.SlotSize));
        var pinned = figures.Classes.Sum(one => one.CachedSlots * (long)(4096 + one.SlotSize));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{resident} {(live / 20) + (2 << 20)} {figures.CachedBytes} {(perClass ? allowed : -1)} {figures.LiveBytes} {pinned} failures {failures} peak {live} touched {figures.TouchedBytes} lazily freed {LazilyFreed()}");
    }

    // Four barriers: all is live; it was measured; the own part is freed; the neighbour's is, too.
    private static void Work(BitTreeAllocator allocator, Kind kind, nint[][] slots, int number, int count, Barrier phase, ref int failures)
    {
        ThreadCache cache = default;
        var mine = slots[number];
        for (var i = 0; i < count; i++)
        {
            var size = s_sizes[i % s_sizes.Length];
            var slot = (byte*)(kind == Kind.Ambient ? allocator.Alloc((nuint)size) : allocator.Alloc(ref cache, (nuint)size));
            new Span<byte>(slot, size).Fill((byte)number);
            mine[i] = (nint)slot;
        }

        phase.SignalAndWait();
        phase.SignalAndWait();
        for (var i = 0; i < count; i++)
        {
            if (i % 4 != 0)
                Free(allocator, kind, ref cache, mine[i], i, (byte)number, ref failures);
        }

        phase.SignalAndWait();
        var next = (number + 1) % ThreadCount;
        for (var i = 0; i < count; i += 4)
            Free(allocator, kind, ref cache, slots[next][i], i, (byte)next, ref failures);
        if (kind == Kind.Parked)
            cache.Park();
        phase.SignalAndWait();
    }

    private static void Free(BitTreeAllocator allocator, Kind kind, ref ThreadCache cache, nint slot, int index, byte value, ref int failures)
    {
        var size = s_sizes[index % s_sizes.Length];
        if (new Span<byte>((void*)slot, size).ContainsAnyExcept(value))
            Interlocked.Increment(ref failures);
        if (kind == Kind.Ambient)
            allocator.Free((void*)slot, (nuint)size);
        else
            allocator.Free(ref cache, (void*)slot, (nuint)size);
    }

    private static long Resident() => Rollup("Rss:");

    private static long LazilyFreed() => Rollup("LazyFree:");

    private static long Rollup(string key)
    {
        foreach (var line in File.ReadLines("/proc/self/smaps_rollup"))
            if (line.StartsWith(key, StringComparison.Ordinal))
                return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        return 0;
    }
}
