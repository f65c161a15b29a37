using System.Globalization;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>One budget over all caches of an allocator, not one each; and the sum behind it is conserved.</summary>
public sealed unsafe class CacheBudgetTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(nameof(ManyThreadsScenarios.AmbientDefault))]
    [InlineData(nameof(ManyThreadsScenarios.ExplicitOneMiB))]
    public void Five_thousand_threads_cache_no_more_than_the_budget_and_go_on(string scenario)
    {
        var found = Run(scenario);
        Assert.InRange(found[0], found[1] / 2, found[1]);
        Assert.InRange(found[2], found[3] / 2, found[3]);
    }

    [Fact]
    public void The_default_budget_grows_with_what_is_in_use()
    {
        var found = Run(nameof(ManyThreadsScenarios.AmbientInUse));
        Assert.InRange(found[0], 16 << 20, found[1]);
        Assert.InRange(found[2], 16 << 20, found[3]);
    }

    [Fact]
    public void Control_without_a_budget_they_cache_far_more() => Assert.True(Run(nameof(ManyThreadsScenarios.ControlWithoutABudget))[0] > 256 << 20);

    [Theory]
    [InlineData(CasWidth.Eight, 0)]
    [InlineData(CasWidth.Auto, 0)]
    [InlineData(CasWidth.Auto, 300_000)]
    [InlineData(CasWidth.Auto, 9000)]
    [InlineData(CasWidth.Auto, 1)]
    public void After_every_step_of_a_random_program_the_grants_add_up(CasWidth width, int budget)
    {
        Seeded.Run(5, random =>
        {
            using var allocator = new BitTreeAllocator(new() { CasWidth = width, CacheBudgetBytes = (ulong)budget });
            var caches = new ThreadCache[3];
            caches[0] = allocator.CreateCache();
            var heap = caches[0].Record->Heap;
            var live = new List<(nint Slot, int Size)>();
            for (var step = 0; step < 1500; step++)
            {
                Step(allocator, ref caches[random.Next(caches.Length)], random, live);
                CheckSum(heap, budget == 0 ? 8 << 20 : (ulong)budget);
            }

            foreach (var (slot, _) in live)
                allocator.Free(ref caches[0], (void*)slot);
            foreach (ref var cache in caches.AsSpan())
                cache.Dispose();
            allocator.DetachThread();
            CheckSum(heap, budget == 0 ? 8 << 20 : (ulong)budget);
            allocator.Trim(TrimLevel.Caches);
            Assert.Equal(0ul, heap->CacheGrantedLine.Value);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(400_000)]
    public void At_rest_after_threads_that_worked_at_once_the_grants_add_up_and_the_budget_was_never_exceeded(int budget)
    {
        Seeded.Run(3, random =>
        {
            using var allocator = new BitTreeAllocator(new() { CacheBudgetBytes = (ulong)budget });
            var limit = budget == 0 ? 8ul << 20 : (ulong)budget;
            var watch = allocator.CreateCache();
            var heap = watch.Record->Heap;
            var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
            var working = 4;
            Threads.Run(5, number =>
            {
                if (number == 4)
                {
                    while (Volatile.Read(ref working) > 0)
                        Assert.InRange(Volatile.Read(ref heap->CacheGrantedLine.Value), 0ul, limit);
                    return;
                }

                try
                {
                    var cache = allocator.CreateCache();
                    var live = new List<(nint Slot, int Size)>();
                    var own = new Random(seeds[number]);
                    for (var step = 0; step < 3000; step++)
                        Step(allocator, ref cache, own, live);
                    foreach (var (slot, _) in live)
                        allocator.Free((void*)slot);
                    if (number % 2 == 0)
                        cache.Dispose();
                }
                finally
                {
                    Interlocked.Decrement(ref working);
                }
            });
            CheckSum(heap, limit);
            allocator.Trim();
            CheckSum(heap, limit);
            watch.Dispose();
        });
    }

    private static void Step(BitTreeAllocator allocator, ref ThreadCache cache, Random random, List<(nint Slot, int Size)> live)
    {
        switch (random.Next(200))
        {
            case 0:
                cache.Park();
                break;
            case 1:
                cache.Dispose();
                break;
            case 2:
                allocator.Trim((TrimLevel)random.Next(3));
                break;
            case 3:
                allocator.Trim(ref cache, (TrimLevel)random.Next(3));
                break;
            case 4 or 5:
                allocator.Tick();
                break;
            case 6:
                allocator.DetachThread();
                break;
            case 7:
                allocator.MaxCachedBytesPerClass = (ulong)(random.Next(3) == 0 ? 0 : random.Next(1, 40_000));
                break;
            default:
                Burst(allocator, ref cache, random, live);
                break;
        }
    }

    private static void Burst(BitTreeAllocator allocator, ref ThreadCache cache, Random random, List<(nint Slot, int Size)> live)
    {
        int[] sizes = [8, 24, 64, 104, 512, 3000, 20_000, 65_536];
        var size = sizes[random.Next(sizes.Length)];
        var count = random.Next(1, 120);
        var ambient = random.Next(2) == 0;
        for (var i = 0; i < count; i++)
        {
            if (live.Count < 600 && random.Next(600) >= live.Count) // always where nothing lives
            {
                live.Add(((nint)(ambient ? allocator.Alloc((nuint)size) : allocator.Alloc(ref cache, (nuint)size)), size));
                *(int*)live[^1].Slot = size;
                continue;
            }

            var index = random.Next(live.Count);
            var (slot, freed) = live[index];
            live[index] = live[^1];
            live.RemoveAt(live.Count - 1);
            Assert.Equal(freed, *(int*)slot);
            if (ambient)
                allocator.Free((void*)slot);
            else
                allocator.Free(ref cache, (void*)slot, (nuint)freed);
        }
    }

    private static void CheckSum(Heap* heap, ulong limit)
    {
        var granted = heap->CacheGrantedLine.Value;
        Assert.Equal(CacheProbe.Accounted(heap), granted);
        Assert.InRange(granted, 0ul, limit);
    }

    private long[] Run(string scenario)
    {
        var (code, line) = ChildProgram.Run(typeof(ManyThreadsScenarios), scenario);
        output.WriteLine(line);
        Assert.True(code == 0 && char.IsDigit(line[0]), $"{code}: {line}");
        long[] found = [.. line.Split(' ')[..8].Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
        Assert.Equal((0, 0, 0), (found[4], found[5], found[6]));
        return found;
    }
}
