using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>
/// Random programs of several threads under a hard limit. At any sampled moment what is resident of all that the allocator has from the system, and what lives, is at most the limit; contents hold; at
/// the end the charge is back at its floor.
/// </summary>
public sealed unsafe class HardLimitHolds(ITestOutputHelper output)
{
    private const int ThreadCount = 4;
    private const int Steps = 15_000;
    private const ulong Limit = 12ul << 20;

    [Theory]
    [InlineData(CasWidth.Eight, PurgeMode.OnDemand)]
    [InlineData(CasWidth.Sixteen, PurgeMode.Off)]
    public void Random_threads_never_hold_more_than_the_limit(CasWidth casWidth, PurgeMode purging)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var seed = Environment.GetEnvironmentVariable("BITTREE_SEED") is { Length: > 0 } forced ? int.Parse(forced, null) : Random.Shared.Next();
        output.WriteLine($"BITTREE_SEED={seed}");
        using var system = new SimulatedVirtualMemory(Residency.Logged);
        using (var allocator = new BitTreeAllocator(new() { VirtualMemory = system.Table, CasWidth = casWidth, Purging = purging, ReserveBytes = 16 << 20, HardLimitBytes = Limit, SoftLimitBytes = Limit / 2 }))
        {
            var live = 0L;
            var refused = 0L;
            var failures = new List<string>();
            using var pause = new ReaderWriterLockSlim();
            var working = ThreadCount;
            var samples = 0;
            var threads = Enumerable.Range(0, ThreadCount).Select(number => new Thread(() =>
            {
                try
                {
                    Work(allocator, new Random(seed + number), pause, ref live, ref refused, ref samples);
                }
                catch (Exception e)
                {
                    lock (failures)
                        failures.Add(e.ToString());
                }

                Interlocked.Decrement(ref working);
            })).ToArray();
            foreach (var thread in threads)
                thread.Start();
            nuint most = 0;
            var mostLive = 0L;
            while (Volatile.Read(ref working) > 0)
            {
                // Between calls of all threads: pages are counted one after the other, and must not move meanwhile.
                pause.EnterWriteLock();
                mostLive = Math.Max(mostLive, Interlocked.Read(ref live));
                most = OperatingSystem.IsLinux() ? Max(most, Residency.Bytes(system)) : most;
                pause.ExitWriteLock();
                Interlocked.Increment(ref samples);
                Thread.Yield();
            }

            foreach (var thread in threads)
                thread.Join();
            output.WriteLine($"{samples} samples, most resident {most}, most live {mostLive}, {refused} refusals");
            Assert.True(failures.Count == 0, $"BITTREE_SEED={seed}: {string.Join('\n', failures)}");
            Assert.True(most <= Limit, $"BITTREE_SEED={seed}: {most} bytes resident under a limit of {Limit}");
            Assert.True((ulong)mostLive <= Limit, $"BITTREE_SEED={seed}: {mostLive} bytes live under a limit of {Limit}");
            Assert.True(refused > 0 && samples >= Steps / 300, "the limit was never met: the test shows nothing");
            allocator.Trim();
            var figures = allocator.GetStatistics();
            Assert.Equal((nuint)0, figures.LiveBytes);
            Assert.Equal(figures.MetadataBytes, figures.ChargedBytes);
        }

        Assert.Empty(system.Violations);
        Assert.Equal(0ul, system.ReservedBytes);
    }

    private static nuint Max(nuint a, nuint b) => a > b ? a : b;

    private static void Work(BitTreeAllocator allocator, Random random, ReaderWriterLockSlim pause, ref long live, ref long refused, ref int samples)
    {
        var cache = allocator.CreateCache();
        var mine = new List<(nuint Address, nuint Size, ulong Seed)>();
        for (var step = 0; step < Steps; step++)
        {
            pause.EnterReadLock();
            Step(step, ref live, ref refused);
            pause.ExitReadLock();

            // A sample for each 300 steps of each thread, however fast they are.
            var seen = Volatile.Read(ref samples);
            while (step % 300 == 0 && Volatile.Read(ref samples) == seen)
                Thread.Yield();
        }

        foreach (var one in mine)
            Free(allocator, ref cache, one, ref live);
        cache.Dispose();

        void Step(int step, ref long live, ref long refused)
        {
            // Waves: up to the wall, down again, in changing sizes.
            var isRising = (step / 500) % 2 == 0;
            if (random.Next(8) < (isRising ? 7 : 2))
            {
                var size = (nuint)(random.Next(20) == 0 ? random.Next(65_537, 600_000) : 1 << random.Next(3, 16)) + (nuint)random.Next(8);
                if (!allocator.TryAlloc(ref cache, size, out var pointer, out var error))
                {
                    if (error != AllocError.LimitReached)
                        throw new OracleViolation($"{size} bytes came to {error}");
                    Interlocked.Increment(ref refused);
                    return;
                }

                Content.Fill((nuint)pointer, size, (ulong)step);
                mine.Add(((nuint)pointer, size, (ulong)step));
                Interlocked.Add(ref live, (long)size);
            }
            else if (mine.Count != 0)
            {
                var index = random.Next(mine.Count);
                Free(allocator, ref cache, mine[index], ref live);
                mine[index] = mine[^1];
                mine.RemoveAt(mine.Count - 1);
            }

            if (random.Next(1500) == 0)
                allocator.Trim(ref cache);
        }
    }

    private static void Free(BitTreeAllocator allocator, ref ThreadCache cache, (nuint Address, nuint Size, ulong Seed) one, ref long live)
    {
        if (Content.FirstDifference(one.Address, one.Size, one.Seed, one.Size) is not -1 and var at)
            throw new OracleViolation($"byte {at} of {one.Size} at 0x{one.Address:x} changed");
        Interlocked.Add(ref live, -(long)one.Size);
        allocator.Free(ref cache, (void*)one.Address, one.Size);
    }
}
