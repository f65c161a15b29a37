using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Full blocks are in no list and cost nobody anything (FEATURES C8); at the border between full and not, states flip per magazine and not per call (C9). All by counters.</summary>
public sealed unsafe class FullBlocksTests
{
    private const int Slot = 65_536;

    [Fact]
    public void A_refill_and_a_flush_among_100_000_full_blocks_need_no_more_accesses_than_among_1_000()
    {
        var few = WorstAmong(1000);
        var many = WorstAmong(100_000);
        Assert.InRange(few, 10, 1500);
        Assert.InRange(many, few - 64, few + 64);
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Of_a_burst_of_catchers_exactly_one_gets_the_only_slot_of_a_full_heap(CasWidth width)
    {
        const int Catchers = 4;
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 8 << 20, PurgeFreesCapacity = false });
        using var live = LiveSet.Over(os, width, PurgeMode.Off);
        while (live.TryAlloc(200, out _))
        {
        }

        Assert.InRange(live.Count, 10_000, 40_000);
        live.Cache.Park();
        var allocator = live.Allocator;
        var won = new nint[Catchers];
        var only = (nint)0;
        using var round = new Barrier(Catchers, _ =>
        {
            // Between two rounds, alone: one slot comes home.
            Assert.Equal(only == 0 ? 0 : 1, won.Count(slot => slot != 0));
            only = only == 0 ? live.Live[5000].Address : won.Single(slot => slot != 0);
            Array.Clear(won);
            allocator.Free(ref live.Cache, (void*)only, 200);
            live.Cache.Park();
        });
        Threads.Run(Catchers, number =>
        {
            var cache = allocator.CreateCache();
            for (var i = 0; i < 400; i++)
            {
                round.SignalAndWait();
                if (allocator.TryAlloc(ref cache, 200, out var slot, out _))
                    won[number] = (nint)slot;
            }

            cache.Dispose();
        });
        Assert.Equal(1, won.Count(slot => slot != 0));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(9000)]
    public void A_pair_at_the_border_of_a_full_block_flips_no_state_and_a_stream_between_two_caches_flips_per_magazine(int size)
    {
        using var allocator = new BitTreeAllocator(new() { Purging = PurgeMode.Off }, Engine.Of<HookedAtomics, ShippedGeometry>());
        using var live = new LiveSet(allocator, owns: false);
        var info = live.Heap->Classes[SizeClasses.ClassOf((nuint)size)];
        for (var extra = -1; extra <= 1; extra++)
        {
            // So many are out that the last block is one short of full, full, or one slot of a new one is out.
            live.AllocMany((3 * info.Capacity) + extra, size);
            live.Cache.Park();
            var pairs = Flips(() =>
            {
                for (var i = 0; i < 10_000; i++)
                    allocator.Free(ref live.Cache, allocator.Alloc(ref live.Cache, (nuint)size), (nuint)size);
            });
            Assert.InRange(pairs, 0, 4);
            live.FreeAll();
            live.Cache.Park();
        }

        live.AllocMany(3 * info.Capacity, size);
        var other = allocator.CreateCache();
        const int Passed = 10_000;
        var stream = Flips(() =>
        {
            for (var i = 0; i < Passed; i++)
                allocator.Free(ref other, allocator.Alloc(ref live.Cache, (nuint)size), (nuint)size);
        });
        Assert.InRange(stream, 0, 4 + (4 * Passed / info.MagazineSlots));

        // The control: without a cache in between, every pair flips (the first few may find a magazine).
        var parked = Flips(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                allocator.Free(ref other, allocator.Alloc(ref live.Cache, (nuint)size), (nuint)size);
                other.Park();
                live.Cache.Park();
            }
        });
        Assert.True(parked >= 90, $"{parked} flips");
        other.Dispose();
        live.FreeAll();
    }

    /// <summary>Leaves set and cleared, and blocks that changed hands.</summary>
    private static int Flips(Action action)
    {
        var flips = 0;
        HookedAtomics.With(site => flips += site is Site.TreeSetLeaf or Site.TreeClearLeaf or Site.BlockClaim or Site.BlockEmpty ? 1 : 0, action);
        return flips;
    }

    private static int WorstAmong(int blocks)
    {
        using var allocator = new BitTreeAllocator(new() { Purging = PurgeMode.Off }, Engine.Of<HookedAtomics, ShippedGeometry>());
        var cache = allocator.CreateCache();
        var slots = new nint[blocks];
        for (var i = 0; i < blocks; i++)
            slots[i] = (nint)allocator.Alloc(ref cache, Slot);
        cache.Park();
        var (accesses, worst) = (0, 0);
        var random = new Random(blocks);
        HookedAtomics.With(
            _ => accesses++,
            () =>
            {
                for (var i = 0; i < 300; i++)
                {
                    ref var slot = ref slots[random.Next(blocks)];
                    accesses = 0;
                    allocator.Free(ref cache, (void*)slot, Slot);
                    cache.Park();
                    slot = (nint)allocator.Alloc(ref cache, Slot);
                    worst = Math.Max(worst, accesses);
                }
            });
        Assert.Equal(blocks, slots.Distinct().Count());
        cache.Dispose();
        return worst;
    }
}
