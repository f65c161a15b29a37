using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>The ladder flush → drain → purge → once more → reason, step by step, for small and medium blocks and for regions, at the hard limit and at a refusal of the system.</summary>
public sealed unsafe class LadderTests
{
    private const int MiB = 1 << 20;

    /// <summary>What lives from the start: a full block of the class of 200 000 bytes, and a region.</summary>
    private const int Warm = 5;

    [Theory]
    [InlineData(60_000, true)]
    [InlineData(200_000, true)]
    [InlineData(3_000_000, true)]
    [InlineData(60_000, false)]
    [InlineData(200_000, false)]
    [InlineData(3_000_000, false)]
    public void A_request_that_fits_after_flushing_the_callers_own_cache_is_served(int size, bool limited)
    {
        using var os = new SimulatedVirtualMemory(Capacity(limited));
        using var live = Make(os, limited);

        // All memory in slots of one class, then a few come home to the cache alone: too few for the recycler, but whole blocks.
        Fill(live, 30_000);
        var count = live.Count;
        var wholeBlocks = size > SizeClasses.MaxSize ? 64 : size > SizeClasses.MaxSmallSize ? 16 : 5; // what the request is charged, or a little more
        live.FreeWhere(i => i >= count - (2 * (wholeBlocks + 1)));
        Assert.True(live.Figures.CachedBytes > 4 * 32_768, $"{live.Figures.CachedBytes} bytes are cached"); // without the flush there are too few
        os.ResetCounters();
        live.Alloc(size);
        Assert.Equal(size > SizeClasses.MaxSmallSize, os.Calls(VmVerb.Purge) != 0); // the class of a whole block takes one that came home as it is
        live.CheckAll();
        if (limited)
            ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_that_fits_after_draining_the_recyclers_is_served(bool limited)
    {
        using var os = new SimulatedVirtualMemory(Capacity(limited));
        using var live = Make(os, limited, MemoryPolicy.Of(Profile.Balanced) with { MagazineBytes = 16 << 10 });
        using var other = new LiveSet(live.Allocator, owns: false);
        var info = live.Heap->Classes[SizeClasses.ClassOf(4000)];
        Assert.Equal((16, 4, 4u), (info.Capacity, info.MagazineSlots, info.RecyclerDepth)); // a recycler holds one block's slots and no more
        Fill(live, 4000);

        // Another cache frees the sixteen slots of the last block, four magazines, which end in the recycler; what came after them goes home when it is parked.
        var count = live.Count;
        for (var i = count - 16; i < count; i++)
            live.Allocator.Free(ref other.Cache, (void*)live.Live[i].Address, 4000);
        for (var i = count - 24; i < count - 16; i++)
            live.Allocator.Free(ref other.Cache, (void*)live.Live[i].Address, 4000);
        other.Cache.Park();
        Assert.Equal((nuint)(16 * 4096), live.Figures.CachedBytes);
        live.FreeWhereForgotten();
        live.Alloc(60_000);
        live.CheckAll();
    }

    [Theory]
    [InlineData(60_000, true)]
    [InlineData(200_000, true)]
    [InlineData(3_000_000, true)]
    [InlineData(60_000, false)]
    [InlineData(200_000, false)]
    [InlineData(3_000_000, false)]
    public void A_request_that_fits_after_a_purge_is_served(int size, bool limited)
    {
        using var os = new SimulatedVirtualMemory(Capacity(limited));
        using var live = Make(os, limited);

        // Small blocks, which no other class may take: only a purge frees their room.
        Fill(live, 32);
        live.FreeWhere(i => i >= Warm && (i % 2 == 0 || i > 50_000));
        live.Cache.Park();
        os.ResetCounters();
        live.Alloc(size);
        Assert.NotEqual(0, os.Calls(VmVerb.Purge));
        live.CheckAll();
    }

    [Theory]
    [InlineData(60_000, true)]
    [InlineData(200_000, true)]
    [InlineData(3_000_000, true)]
    [InlineData(60_000, false)]
    [InlineData(200_000, false)]
    [InlineData(3_000_000, false)]
    public void The_steps_come_in_order_and_the_system_is_asked_once_more_and_no_further(int size, bool limited)
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 10_000 });
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        using var other = new LiveSet(live.Allocator, owns: false);
        live.Alloc(70_000);
        while (live.Count < 3000)
            live.Alloc(24);
        var slots = live.Live.Skip(1).Take(2046).Select(one => one.Address).ToArray(); // three blocks of 16 KiB

        // Blocks for the requested class are used up, and no commit succeeds: what follows fails, after the ladder.
        if (limited)
            live.Allocator.HardLimitBytes = 1;
        else
            os.FailEvery(VmVerb.Commit, 1);
        while (live.TryAlloc(60_000, out _))
        {
        }

        for (var i = 0; i < slots.Length; i++)
            live.Allocator.Free(ref i < 1000 ? ref other.Cache : ref live.Cache, (void*)slots[i], 24);
        other.Cache.Park();
        Assert.True(live.Figures.CachedBytes > 250 * 24); // more than a cache holds: the rest is in the recycler
        os.ResetCounters();
        Assert.False(live.TryAlloc(size, out var reason));
        Assert.Equal(limited ? AllocError.LimitReached : AllocError.CommitRefused, reason);
        Assert.Equal((nuint)0, live.Figures.CachedBytes);

        // At the limit nothing is asked of the system; a refusal is met by the larger step and the need, or by the region.
        var calls = os.Log.Where(call => call.Verb is VmVerb.Commit or VmVerb.Purge).ToArray();
        var attempt = calls.TakeWhile(call => call.Verb == VmVerb.Commit).Count();
        var purges = calls.Skip(attempt).TakeWhile(call => call.Verb == VmVerb.Purge).ToArray();
        Assert.True(limited ? attempt == 0 : size > 65_536 ? attempt == 1 : attempt is 1 or 2, $"{attempt} commits before the first purge");
        Assert.Equal(attempt, calls.Length - attempt - purges.Length);

        // Flush and drain came before the purge: it found whole the blocks whose slots the cache and the recycler held.
        Assert.All(slots, slot => Assert.Contains(purges, call => (nuint)slot >= call.Address && (nuint)slot < call.Address + call.Bytes));
        os.ClearFaults();
        live.Allocator.HardLimitBytes = 0;
        live.Alloc(size);
        ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(60_000)]
    [InlineData(200_000)]
    [InlineData(3_000_000)]
    public void At_the_limit_no_commit_is_asked_for_and_the_purges_stop_once_there_is_room(int size)
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 10_000 });
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        live.AllocMany(4, 200_000);
        live.Alloc(3_000_000);
        live.AllocMany(64 * MiB / 32, 32);
        live.FreeWhere(i => i >= Warm);
        live.Cache.Park();
        live.Allocator.HardLimitBytes = live.Figures.ChargedBytes;
        os.ResetCounters();
        live.Alloc(size);
        Assert.NotEqual(0, os.Calls(VmVerb.Purge));

        // A sixteenth of the limit and the need, in runs of up to 2 MiB; not all 64 MiB.
        Assert.InRange(live.Figures.PurgedBytes, 4u * MiB, (size > SizeClasses.MaxSize ? 13u : 9u) * MiB);
        ChargeWalk.Check(live.Heap);
    }

    private static SimulatedVirtualMemoryOptions Capacity(bool limited) => new() { CapacityBytes = limited ? ulong.MaxValue : 16 * MiB };

    private static LiveSet Make(SimulatedVirtualMemory os, bool limited, MemoryPolicy? policy = null)
    {
        var live = new LiveSet(new() { VirtualMemory = os.Table, Purging = PurgeMode.Off, HardLimitBytes = limited ? 16 * MiB : 0ul, Policy = policy, RecyclerBytesPerClass = policy == null ? new BitTreeAllocatorOptions().RecyclerBytesPerClass : 64 << 10 });

        // The stretch of medium classes and the addresses of regions are there before memory gets short; what was born of both is in use.
        live.AllocMany(4, 200_000);
        live.Alloc(3_000_000);
        Assert.Equal(Warm, live.Count);
        return live;
    }

    private static void Fill(LiveSet live, int size)
    {
        while (live.TryAlloc(size, out _))
        {
        }
    }
}
