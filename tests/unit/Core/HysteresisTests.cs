using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Loops across the edge of a magazine: whatever the cache holds, they do not refill or flush each time round.</summary>
public sealed unsafe class HysteresisTests
{
    private const int Rounds = 400;

    public static TheoryData<int, CasWidth> Cases
    {
        get
        {
            var cases = new TheoryData<int, CasWidth>();
            foreach (var size in new[] { 8, 100, 1000, 9000, 65_536 })
            {
                cases.Add(size, CasWidth.Eight);
                cases.Add(size, CasWidth.Auto);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pair_at_any_fill_of_the_cache_never_goes_to_the_recycler_or_the_blocks_each_time(int size, CasWidth width)
    {
        foreach (var burst in new[] { 1, 2, 3, 4 })
        {
            using var live = new LiveSet(new() { CasWidth = width });
            var slots = live.Heap->Classes[SizeClasses.ClassOf((nuint)size)].MagazineSlots;
            for (var fill = 0; fill <= (3 * slots) + 1; fill++)
            {
                var held = Enumerable.Range(0, fill + burst).Select(_ => (nint)live.Allocator.Alloc(ref live.Cache, (nuint)size)).ToArray();
                live.Cache.Park();
                foreach (var slot in held)
                    live.Allocator.Free(ref live.Cache, (void*)slot, (nuint)size);

                var before = live.Figures;
                for (var round = 0; round < Rounds; round++)
                    Pair(live, size, burst);
                var after = live.Figures;

                // At most one trip each way until the loop has settled.
                var trips = after.Refills - before.Refills + after.Flushes - before.Flushes;
                if (trips > 2 || after.SharedOperations - before.SharedOperations > 24)
                    Assert.Fail($"{burst} of {size} bytes at {fill} cached: {trips} refills and flushes, {after.SharedOperations - before.SharedOperations} shared operations in {Rounds} rounds");
                live.Cache.Park();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_burst_larger_than_the_cache_costs_a_slow_path_per_magazine_and_not_per_slot(int size, CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width });
        var slots = live.Heap->Classes[SizeClasses.ClassOf((nuint)size)].MagazineSlots;
        var burst = slots * 40;
        var held = new nint[burst];
        for (var round = 0; round < 6; round++)
        {
            var before = live.Figures;
            for (var i = 0; i < burst; i++)
                held[i] = (nint)live.Allocator.Alloc(ref live.Cache, (nuint)size);
            for (var i = 0; i < burst; i++)
                live.Allocator.Free(ref live.Cache, (void*)held[i], (nuint)size);
            var after = live.Figures;

            // A refill ends with its block: short ones are at most every second, and a class with fewer slots per block than per magazine gets a block's worth.
            var perRefill = Math.Min(slots, live.Heap->Classes[SizeClasses.ClassOf((nuint)size)].Capacity);
            Assert.InRange(after.Refills - before.Refills, 0, 2 * burst / perRefill);
            Assert.InRange(after.Flushes - before.Flushes, 0, 40);
        }
    }

    private static void Pair(LiveSet live, int size, int burst)
    {
        var held = stackalloc nint[burst];
        for (var i = 0; i < burst; i++)
            held[i] = (nint)live.Allocator.Alloc(ref live.Cache, (nuint)size);
        for (var i = 0; i < burst; i++)
            live.Allocator.Free(ref live.Cache, (void*)held[i], (nuint)size);
    }
}
