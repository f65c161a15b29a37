using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>
/// 5 000 threads with a cache each, in a process of their own. Every scenario answers "cached budget cached-again budget-again cached-at-the-end live-at-the-end failures threads".
/// </summary>
public static unsafe class ManyThreadsScenarios
{
    private static readonly int[] s_sizes = [32, 64, 200, 1024, 4096, 16_384];

    /// <summary>The default budget, 8 MiB where little is in use.</summary>
    public static string AmbientDefault() => Run(isExplicit: false, 0, 0);

    /// <summary>The default budget while 1 GiB is in use (of addresses; nobody touches it).</summary>
    public static string AmbientInUse() => Run(isExplicit: false, 0, 1ul << 30);

    public static string ExplicitOneMiB() => Run(isExplicit: true, 1 << 20, 0);

    /// <summary>A budget that does not bind: what the caches would hold.</summary>
    public static string ControlWithoutABudget() => Run(isExplicit: false, 1ul << 40, 0, 2000);

    private static string Run(bool isExplicit, ulong budget, ulong live, int wanted = 5000)
    {
        using var allocator = new BitTreeAllocator(new() { CacheBudgetBytes = budget });
        var own = allocator.CreateCache();
        var used = new List<nint>();
        for (var bytes = 0ul; bytes < live; bytes += 32 << 10)
            used.Add((nint)allocator.Alloc(ref own, 32 << 10));
        using var turn = new SemaphoreSlim(16); // few at once: what is in use stays small, so the default budget is its floor
        using var wake = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        using var asleep = new SemaphoreSlim(0);
        var failures = 0;
        var threads = new List<Thread>();
        var reason = "";
        for (var i = 0; i < wanted; i++)
        {
            var number = i;
            var thread = new Thread(
                () =>
                {
                    ThreadCache cache = default;
                    for (var round = 0; round < 2; round++)
                    {
                        turn.Wait();
                        try
                        {
                            Work(allocator, isExplicit, ref cache, number);
                        }
                        catch (Exception)
                        {
                            Interlocked.Increment(ref failures);
                        }

                        turn.Release();
                        asleep.Release();
                        (round == 0 ? wake : end).Wait();
                    }

                    cache.Dispose();
                },
                128 << 10);
            try
            {
                thread.Start();
            }
            catch (OutOfMemoryException e)
            {
                reason = $" only: {e.Message.ReplaceLineEndings(" ")}";
                break;
            }

            threads.Add(thread);
        }

        var first = Measure();
        wake.Set();
        var second = Measure();
        end.Set();
        foreach (var thread in threads)
            thread.Join();
        foreach (var slot in used)
            allocator.Free(ref own, (void*)slot);
        for (var i = 0; i < 20 && allocator.GetStatistics().CacheCount > 1; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        own.Dispose();
        allocator.Trim(TrimLevel.Caches); // what waits between caches
        var figures = allocator.GetStatistics();
        return string.Create(CultureInfo.InvariantCulture, $"{first} {second} {figures.CachedBytes} {figures.LiveBytes} {failures + figures.CacheCount} {threads.Count}{reason}");

        string Measure()
        {
            foreach (var _ in threads)
                asleep.Wait();
            var now = allocator.GetStatistics();
            return string.Create(CultureInfo.InvariantCulture, $"{now.CachedBytes} {(budget != 0 ? budget : Math.Max(8 << 20, (now.LiveBytes + now.CachedBytes) / 32))}");
        }
    }

    private static void Work(BitTreeAllocator allocator, bool isExplicit, ref ThreadCache cache, int number)
    {
        var slots = stackalloc nint[40];
        foreach (var size in s_sizes)
        {
            var count = Math.Min(40, 2 * CacheProbe.MagazineSlots(size));
            for (var i = 0; i < count; i++)
            {
                slots[i] = (nint)(isExplicit ? allocator.Alloc(ref cache, (nuint)size) : allocator.Alloc((nuint)size));
                *(long*)slots[i] = slots[i] ^ number;
                *(long*)(slots[i] + size - 8) = slots[i] + number;
            }

            for (var i = 0; i < count; i++)
            {
                if (*(long*)slots[i] != (slots[i] ^ number) || *(long*)(slots[i] + size - 8) != slots[i] + number)
                    throw new InvalidOperationException("damaged");
                if (isExplicit)
                    allocator.Free(ref cache, (void*)slots[i], (nuint)size);
                else
                    allocator.Free((void*)slots[i], (nuint)size);
            }
        }
    }
}
