using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>D5: advice that the system refuses is told once, and memory comes all the same.</summary>
public sealed unsafe class HugePagesDeniedTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(Profile.Balanced)]
    [InlineData(Profile.LowLatency)]
    [InlineData(Profile.LargeBuffers)]
    public void Denied_advice_is_told_exactly_once_for_an_allocator_and_allocations_work(Profile profile)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        for (var round = 0; round < 2; round++)
        {
            using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = profile });
            var told = new List<string>();
            live.Allocator.HugePagesDenied += (sender, args) =>
            {
                Assert.Same(live.Allocator, sender);
                told.Add(args.Reason);
            };
            live.Alloc(1000);
            Assert.Empty(told);
            live.Alloc(9 * MiB);
            Assert.Single(told);
            Assert.Contains(nameof(HugePages.Never), told[0], StringComparison.Ordinal);
            live.AllocMany(20, 5 * MiB);
            live.AllocMany(20_000, 1000);
            live.Alloc(40 * MiB);
            live.FreeAll();
            Assert.Single(told);
        }

        Assert.Empty(os.Violations);
    }

    [Theory]
    [InlineData(TransparentHugePageMode.Unknown, Profile.Frugal)]
    [InlineData(TransparentHugePageMode.Never, Profile.LargeBuffers)]
    public void Where_nothing_was_asked_for_or_refused_nothing_is_told(TransparentHugePageMode mode, Profile profile)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = mode });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = profile });
        live.Allocator.HugePagesDenied += (_, _) => Assert.Fail("told");
        live.AllocMany(20_000, 1000);
        live.Alloc(9 * MiB);
    }

    [Fact]
    public void Blocks_that_grow_dense_tell_it_too()
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = Profile.LowLatency });
        var told = 0;
        live.Allocator.HugePagesDenied += (_, _) => told++;
        live.AllocMany(28_000, 1000);
        Assert.Equal(0, told);
        live.AllocMany(14_000, 1000);
        Assert.Equal(1, told);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_may_allocate_and_what_it_meets_is_not_told_again(bool ambient)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        using var live = new LiveSet(new() { VirtualMemory = os.Table });
        var depth = 0;
        live.Allocator.HugePagesDenied += (_, _) =>
        {
            Assert.Equal(1, ++depth);
            live.AllocMany(3000, 700);
            live.Alloc(33 * MiB);
            live.Allocator.Trim();
        };
        if (ambient)
            live.Adopt((byte*)live.Allocator.Alloc(9 * MiB), 9 * MiB);
        else
            live.Alloc(9 * MiB);
        Assert.Equal(1, depth);
        Assert.Equal(3002, live.Count);
        live.FreeAll();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_handler_throws_reaches_the_caller_and_the_memory_is_free_again(bool ambient)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        using var live = new LiveSet(new() { VirtualMemory = os.Table });
        live.Allocator.HugePagesDenied += (_, _) => throw new TimeoutException("from the handler");
        Assert.Throws<TimeoutException>(() => ambient ? (nint)live.Allocator.Alloc(9 * MiB) : (nint)live.Alloc(9 * MiB));
        Assert.Equal((0L, (nuint)0), (live.Figures.RegionCount, live.Figures.LiveBytes));
        live.Alloc(9 * MiB);
        live.FreeAll();
    }

    /// <summary>An allocation inside a handler tells nothing, so the one that comes after it does; and a limit's handler that throws does not take the denial with it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_denial_that_is_met_inside_a_handler_or_beside_one_that_throws_is_told_by_the_next_call(bool throws)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, SoftLimitBytes = 4 * MiB });
        using var other = new LiveSet(new() { VirtualMemory = os.Table });
        var told = 0;
        var both = throws ? live : other;
        both.Allocator.HugePagesDenied += (_, _) => told++;
        live.Allocator.LimitReached += (_, _) =>
        {
            if (throws)
                throw new TimeoutException("from the handler");
            other.Alloc(9 * MiB);
        };
        if (throws)
            Assert.Throws<TimeoutException>(() => live.Alloc(9 * MiB));
        else
            live.Alloc(9 * MiB);
        Assert.Equal(0, told);
        both.Alloc(33 * MiB);
        Assert.Equal(1, told);
        both.Alloc(33 * MiB);
        Assert.Equal(1, told);
    }
}
