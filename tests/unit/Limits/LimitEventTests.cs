using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>The soft limit and the event: once for a crossing, on the thread that met it, with nothing held.</summary>
public sealed unsafe class LimitEventTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(1000, PurgeMode.OnDemand)]
    [InlineData(1000, PurgeMode.Off)]
    [InlineData(100_000, PurgeMode.OnDemand)]
    [InlineData(300_000, PurgeMode.OnDemand)]
    [InlineData(3_000_000, PurgeMode.OnDemand)]
    public void Crossing_the_soft_limit_is_told_once_and_again_after_the_charge_fell_below(int size, PurgeMode purging)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Purging = purging, SoftLimitBytes = 16 * MiB });
        var told = new List<(MemoryLimitEventArgs Args, int Thread)>();
        live.Allocator.LimitReached += (sender, args) =>
        {
            Assert.Same(live.Allocator, sender);
            told.Add((args, Environment.CurrentManagedThreadId));
        };
        for (var round = 1; round <= 3; round++)
        {
            live.AllocMany(10 * MiB / size, size);
            Assert.Equal(round - 1, told.Count);
            live.AllocMany(16 * MiB / size, size);
            Assert.Equal(round, told.Count);
            var (args, thread) = told[^1];
            Assert.Equal((MemoryLimitKind.Soft, 16ul * MiB, (ulong)size, Environment.CurrentManagedThreadId), (args.Kind, args.LimitBytes, args.RequestedBytes, thread));

            // By one birth: a block of 64 KiB with its metadata, one of 1 or 4 MiB, or a region of 4 MiB.
            Assert.InRange(args.ChargedBytes, (16ul * MiB) + 1, 16ul * MiB + (size <= 256 << 10 ? MiB : 4ul * MiB));
            live.FreeAll();
            live.Allocator.Trim(ref live.Cache);
        }

        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Above_the_soft_limit_free_blocks_go_back_that_the_policy_alone_would_keep()
    {
        nuint Charged(ulong soft, out long purges)
        {
            using var os = new SimulatedVirtualMemory();
            using var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(Profile.LowLatency) with { FreeShare = null }, SoftLimitBytes = soft });

            // Free memory of one kind of blocks is of no use to the other: half the peak, which the policy keeps.
            live.AllocMany(20 * MiB / 32, 32);
            live.AllocMany(20 * MiB / 1000, 1000);
            live.FreeWhere(i => i < 10 * MiB / 32);
            live.Cache.Park();
            live.AllocMany(8 * MiB / 1000, 1000);
            live.CheckAll();
            ChargeWalk.Check(live.Heap);
            purges = os.Calls(VmVerb.Purge);
            return live.Figures.ChargedBytes;
        }

        var with = Charged(42 * MiB, out var purges);
        var without = Charged(0, out _);
        Assert.True(with + (5 * MiB) < without, $"{with} bytes charged with the soft limit, {without} without");

        // Not at every refill: in steps of a sixteenth.
        Assert.InRange(purges, 1, 40);
    }

    [Fact]
    public void The_soft_limit_does_not_sweep_at_every_birth_where_nothing_can_be_purged()
    {
        using var live = new LiveSet(new() { SoftLimitBytes = 8 * MiB });
        live.AllocMany(8 * MiB / 1000, 1000);
        var steps = 0;
        var last = live.Heap->SoftStepLine.Value;
        for (var i = 0; i < 16 * MiB / 1000; i++)
        {
            live.Alloc(1000);
            steps += live.Heap->SoftStepLine.Value != last ? 1 : 0;
            last = live.Heap->SoftStepLine.Value;
        }

        Assert.InRange(steps, 10, 40);
    }

    [Fact]
    public void A_new_soft_limit_takes_effect_at_the_next_birth()
    {
        using var live = new LiveSet(new());
        var told = 0;
        live.Allocator.LimitReached += (_, _) => told++;
        live.AllocMany(8 * MiB / 1000, 1000);
        live.Allocator.SoftLimitBytes = 4 * MiB;
        Assert.Equal(0, told);
        live.AllocMany(200, 1000);
        Assert.Equal(1, told);
        live.Allocator.SoftLimitBytes = 6 * MiB;
        live.AllocMany(200, 1000);
        Assert.Equal(2, told);
        live.Allocator.SoftLimitBytes = 0;
        live.AllocMany(MiB / 100, 1000);
        Assert.Equal(2, told);
    }

    [Fact]
    public void Every_failure_at_the_hard_limit_is_told_and_the_request_fails_all_the_same()
    {
        using var live = new LiveSet(new() { HardLimitBytes = 16 * MiB });
        var told = new List<MemoryLimitEventArgs>();
        live.Allocator.LimitReached += (sender, args) =>
        {
            told.Add(args);
            live.FreeAll();
        };
        while (live.TryAlloc(50_000, out _))
        {
        }

        Assert.Single(told);
        Assert.Equal((MemoryLimitKind.Hard, 16ul * MiB, 50_000ul), (told[0].Kind, told[0].LimitBytes, told[0].RequestedBytes));
        Assert.Equal(0, live.Count);

        // Memory that the handler gave back serves the caller's second attempt.
        live.Alloc(50_000);
        Assert.False(live.TryAlloc(17 * MiB, out var reason));
        Assert.Equal(AllocError.LimitReached, reason);
        Assert.Equal(2, told.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_may_allocate_free_and_trim_through_the_same_cache_and_without_one(bool ambient)
    {
        using var os = new SimulatedVirtualMemory();
        using var second = new BitTreeAllocator();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, SoftLimitBytes = 12 * MiB, HardLimitBytes = 16 * MiB });
        var depth = 0;
        var kinds = new HashSet<MemoryLimitKind>();
        live.Allocator.LimitReached += (sender, args) =>
        {
            Assert.Equal(1, ++depth); // what it meets itself is not told
            kinds.Add(args.Kind);
            for (var round = 0; round < 50; round++)
            {
                if (live.Allocator.TryAlloc(ref live.Cache, 3000, out var own, out _))
                    live.Allocator.Free(ref live.Cache, own, 3000);
                if (live.Allocator.TryAllocZeroed(60_000, out var zeroed, out _))
                    live.Allocator.Free(zeroed);
                second.Free(second.Alloc(100)); // the thread's ambient cache is another's now
                Assert.False(live.Allocator.TryAlloc(17 * MiB, out _, out _));
            }

            live.Allocator.Trim();
            live.Allocator.Trim(ref live.Cache);
            depth--;
        };
        for (var i = 0; i < 2000; i++)
        {
            void* address;
            var size = (nuint)(i % 7 == 0 ? 100_000 : 2000 + i);
            var isServed = ambient ? live.Allocator.TryAlloc(size, out address, out _) : live.Allocator.TryAlloc(ref live.Cache, size, out address, out _);
            if (isServed)
                live.Adopt((byte*)address, (int)size);
        }

        Assert.Equal(2, kinds.Count);
        live.CheckAll();
        live.FreeAll(sized: false);
        live.Allocator.Trim();
        live.Allocator.Trim(ref live.Cache);
        ChargeWalk.Check(live.Heap);
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_realloc_whose_handler_switches_the_ambient_cache_moves_its_contents_and_frees_the_old()
    {
        using var second = new BitTreeAllocator();
        using var allocator = new BitTreeAllocator(new() { SoftLimitBytes = 1 });
        var told = 0;
        allocator.LimitReached += (_, _) =>
        {
            told++;
            second.Free(second.Alloc(100));
        };
        var old = (byte*)allocator.Alloc(100);
        new Span<byte>(old, 100).Fill(7);
        allocator.SoftLimitBytes = 2;
        var moved = (byte*)allocator.Realloc(old, 200_000);
        Assert.Equal(2, told);
        Assert.False(new Span<byte>(moved, 100).ContainsAnyExcept((byte)7));
        allocator.Free(moved);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        Assert.Equal((nuint)0, second.GetStatistics().LiveBytes);
    }

    [Fact]
    public void An_exception_of_a_handler_reaches_the_caller_and_nothing_is_lost()
    {
        using var live = new LiveSet(new() { SoftLimitBytes = 1 });
        live.Allocator.LimitReached += (_, _) => throw new InvalidDataException("from the handler");
        foreach (var size in new nuint[] { 100, 60_000, 3 * MiB })
        {
            live.Allocator.SoftLimitBytes = size;
            Assert.Throws<InvalidDataException>(() => live.Allocator.Alloc(ref live.Cache, size));
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
            live.Allocator.SoftLimitBytes = size + 1;
            Assert.Throws<InvalidDataException>(() => live.Allocator.TryAllocZeroed(ref live.Cache, size * 10, out _, out _));
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
        }

        // What was to be moved is where it was.
        live.Allocator.SoftLimitBytes = 0;
        live.Alloc(1000);
        live.Allocator.SoftLimitBytes = 5;
        Assert.Throws<InvalidDataException>(() => live.Allocator.Realloc(ref live.Cache, (void*)live.Live[0].Address, 3 << 20));
        live.CheckAll();
        Assert.Equal((nuint)1024, live.Figures.LiveBytes);

        live.Allocator.SoftLimitBytes = 0;
        live.Allocator.HardLimitBytes = 1;
        Assert.Throws<InvalidDataException>(() => live.Allocator.TryAlloc(ref live.Cache, 100 << 20, out _, out _));
        live.Allocator.HardLimitBytes = 0;
        live.Alloc(3 << 20);
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Several_threads_hear_of_a_crossing_on_the_thread_that_met_it()
    {
        using var allocator = new BitTreeAllocator(new() { SoftLimitBytes = 12 * MiB });
        var inside = new ThreadLocal<bool>();
        var wrong = 0;
        var told = 0;
        allocator.LimitReached += (_, _) =>
        {
            Interlocked.Increment(ref told);
            if (!inside.Value)
                Interlocked.Increment(ref wrong);
        };
        Threads.Run(4, _ =>
        {
            inside.Value = true;
            using var live = new LiveSet(allocator, owns: false);
            live.AllocMany(8 * MiB / 1000, 1000);
            live.CheckAll();
            live.FreeAll();
        });
        Assert.Equal(0, wrong);
        Assert.InRange(told, 1, 4);
    }

    [Fact]
    public void A_handler_that_was_removed_hears_nothing()
    {
        using var live = new LiveSet(new() { HardLimitBytes = 1 });
        var told = 0;
        void Handler(object? sender, MemoryLimitEventArgs args) => told++;
        live.Allocator.LimitReached += Handler;
        live.Allocator.LimitReached -= Handler;
        Assert.False(live.TryAlloc(1000, out _));
        Assert.Equal(0, told);
    }
}
