using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Facts of serving, by counters: calls to the system, shared operations, slow paths.</summary>
public sealed unsafe class ServingTests
{
    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_second_run_of_a_mixed_workload_of_small_and_medium_sizes_makes_no_call(CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width, Purging = PurgeMode.Off });
        Mixed(live);
        for (var run = 2; run <= 4; run++)
        {
            var calls = live.Figures.OsCalls;
            Assert.InRange(Mixed(live), 100, 1000);
            Assert.Equal(calls, live.Figures.OsCalls);
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_second_replay_of_the_recorded_trace_makes_no_call(CasWidth width)
    {
        var workload = new Workload(TraceSource.Load(TraceSource.Embedded), ReplayMode.Serial);
        using var allocator = new BitTreeAllocator(new() { CasWidth = width, Purging = PurgeMode.Off });
        var counted = new CountingAdapter(allocator);
        var handler = new PlainHandler<CountingAdapter, FirstByte>(counted, default, workload.Slots);
        SerialRun.Execute(ref handler, workload.Trace.Events);
        for (var replay = 2; replay <= 3; replay++)
        {
            var (calls, larger) = (allocator.GetStatistics().OsCalls, handler.Adapter.AboveSmall);
            SerialRun.Execute(ref handler, workload.Trace.Events);
            var figures = allocator.GetStatistics();
            Assert.Equal((nuint)0, figures.LiveBytes);
            GC.KeepAlive(workload); // the table of pointers is its
            Assert.NotEqual(larger, handler.Adapter.AboveSmall);
            Assert.Equal(calls, figures.OsCalls);
        }

        handler.Adapter.CloseThread();
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Shared_operations_are_few_per_1_000_allocations_of_the_recorded_trace(CasWidth width)
    {
        var workload = new Workload(TraceSource.Load(TraceSource.Embedded), ReplayMode.Serial);
        using var allocator = new BitTreeAllocator(new() { CasWidth = width });
        var handler = new PlainHandler<CountingAdapter, FirstByte>(new CountingAdapter(allocator), default, workload.Slots);
        SerialRun.Execute(ref handler, workload.Trace.Events);
        var shared = allocator.GetStatistics().SharedOperations;
        var allocations = workload.Trace.Events.Count(e => e.Op is not (TraceOp.Free or TraceOp.FreeAligned));
        GC.KeepAlive(workload);
        Assert.InRange(shared * 1000.0 / allocations, 0.1, 60);
        handler.Adapter.CloseThread();
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void One_thread_s_allocations_share_a_word_once_per_tens_of_slots(CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width });
        var before = live.Figures.SharedOperations;
        for (var i = 0; i < 100_000; i++)
            live.Allocator.Alloc(ref live.Cache, 48);

        // A refill of 125 slots: the claim, the release, the tree, and a look into the empty recycler.
        Assert.InRange((live.Figures.SharedOperations - before) / 100.0, 8, 40);
    }

    [Fact]
    public void What_a_cache_counted_stays_with_its_allocator_and_does_not_follow_the_record()
    {
        using var live = new LiveSet(new());
        var cache = live.Allocator.CreateCache();
        for (var i = 0; i < 1000; i++)
            live.Allocator.Alloc(ref cache, 48);
        var counted = live.Figures;
        cache.Dispose();
        Assert.True(counted.Refills > 0 && live.Figures.Refills >= counted.Refills && live.Figures.SharedOperations >= counted.SharedOperations);
        var next = new LiveSet[50];
        for (var i = 0; i < next.Length; i++)
            next[i] = new LiveSet(new() { ReserveBytes = 16 << 20 });
        Assert.All(next, one => Assert.Equal((0, 0, 0), (one.Figures.SharedOperations, one.Figures.Refills, one.Figures.Flushes)));
        foreach (var one in next)
            one.Dispose();
    }

    /// <summary>2 000 live objects of mixed sizes, replaced 60 000 times. The same each time. Returns the medium ones.</summary>
    private static int Mixed(LiveSet live)
    {
        var random = new Random(12345);
        var slots = new (nint Address, nuint Size)[2000];
        var mediums = 0;
        for (var i = 0; i < 60_000; i++)
        {
            ref var slot = ref slots[random.Next(slots.Length)];
            live.Allocator.Free(ref live.Cache, (void*)slot.Address, slot.Size);
            var size = random.Next(200) == 0 ? random.Next(65_537, random.Next(4) == 0 ? SizeClasses.MaxSize + 1 : 300_000) : 1 << random.Next(3, 13);
            size = size <= 8192 ? random.Next(1, size + 1) : size;
            mediums += size > SizeClasses.MaxSmallSize ? 1 : 0;
            var zeroed = random.Next(10) == 0;
            slot = ((nint)(zeroed ? live.Allocator.AllocZeroed(ref live.Cache, (nuint)size) : live.Allocator.Alloc(ref live.Cache, (nuint)size)), (nuint)size);
        }

        foreach (var (address, size) in slots)
            live.Allocator.Free(ref live.Cache, (void*)address, size);
        return mediums;
    }
}
