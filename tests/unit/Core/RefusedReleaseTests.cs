using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>A range that the system does not take back, whatever it was for, is known to the figures and released later: before the next reservation, at the latest by Dispose.</summary>
public sealed unsafe class RefusedReleaseTests
{
    private const ulong MiB = 1 << 20;
    private const ulong Reserve = 16 * MiB;

    private static readonly (string Name, Action<LiveSet> Act)[] s_growths =
    [
        ("the first space of regions", live => Ask(live, 3 * MiB)),
        ("a second space of regions", live => Ask(live, 3 * MiB, 300 * MiB)),
        ("the first stretch of medium blocks", live => Ask(live, 100_000)),
        ("a second stretch of small blocks", live => Ask(live, [.. Enumerable.Repeat(60_000ul, 330)])),
        ("a mapping", live =>
        {
            var address = DirectMappings<HardwareAtomics>.Alloc(live.Heap, 5ul << 30, 1, out _);
            if (address != 0)
                Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(live.Heap, address));
        }),
    ];

    public static TheoryData<string, VmVerb?, VmStatus?> Growths
    {
        get
        {
            var cases = new TheoryData<string, VmVerb?, VmStatus?>();
            foreach (var (name, _) in s_growths)
            {
                cases.Add(name, null, null);
                cases.Add(name, VmVerb.Reserve, VmStatus.TooManyMappings);
                cases.Add(name, VmVerb.Commit, VmStatus.TooManyMappings);
                cases.Add(name, VmVerb.Commit, null);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Growths))]
    public void What_growth_gives_up_and_the_system_does_not_take_back_goes_with_the_heap(string name, VmVerb? verb, VmStatus? status)
    {
        var act = s_growths.Single(one => one.Name == name).Act;
        foreach (var failures in new[] { 1, 2, 1000 })
            foreach (var refusals in new[] { 1, 2, 3, 6 })
            {
                var (k, isOver) = (1, false);
                for (; !isOver; k++)
                {
                    using var os = new SimulatedVirtualMemory(new() { LogLimit = 10_000 });
                    using (var live = LiveSet.Over(os, reserve: Reserve))
                    {
                        var (before, calls) = (os.ReservedBytes, verb is { } one ? os.Calls(one) : os.TotalCalls);
                        for (var more = 0; more < failures; more++)
                            os.FailAt(verb, k + more, status);
                        for (var release = 1; release <= refusals; release++)
                            os.FailAt(VmVerb.Release, release);
                        act(live);
                        isOver = (verb is { } same ? os.Calls(same) : os.TotalCalls) - calls < k;
                        os.ClearFaults();
                        Check(os, live);
                        act(live);
                        Check(os, live);
                    }

                    Assert.True(os.ReservedBytes == 0, $"{failures} failure(s) from call {k} on and {refusals} refused release(s): {os.ReservedBytes} bytes are still reserved after Dispose");
                    Assert.Empty(os.Violations);
                }

                Assert.InRange(k, 3, 400);
            }
    }

    [Fact]
    public void Control_in_each_growth_a_release_is_refused_somewhere()
    {
        foreach (var (name, act) in s_growths)
        {
            var isRefused = false;
            for (var k = 1; k < 100 && !isRefused; k++)
            {
                using var os = new SimulatedVirtualMemory(new() { LogLimit = 10_000 });
                using var live = LiveSet.Over(os, reserve: Reserve);
                os.FailAt(VmVerb.Commit, k);
                os.FailAt(VmVerb.Release, 1);
                act(live);
                isRefused = os.Log.Any(call => call is { Verb: VmVerb.Release, Status: not VmStatus.Ok });
            }

            Assert.True(isRefused, name);
        }
    }

    [Fact]
    public void Attempts_at_a_space_of_regions_that_fail_beside_their_releases_are_all_known_and_go_with_the_heap()
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = LiveSet.Over(os))
        {
            os.FailAt(VmVerb.Reserve, 2); // metadata of 256 GiB of addresses
            os.FailAt(VmVerb.Reserve, 5); // of 32; 128 before that, and 16 behind, were to be left to the process
            for (var k = 1; k <= 20; k++)
                os.FailAt(VmVerb.Release, k);
            Ask(live, 3 * MiB);
            Assert.Equal((256ul + 128 + 32 + 16) << 30, LostRanges<HardwareAtomics>.BytesOf(live.Heap));
            Check(os, live);
        }

        Assert.Equal(0ul, os.ReservedBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Dispose_repeats_what_was_refused(int refusals)
    {
        var (k, injected) = (1, 1L);
        for (; injected != 0; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using (var live = Grown(os))
                for (var release = 0; release < refusals; release++)
                    os.FailAt(VmVerb.Release, k + release);
            injected = os.FaultsInjected - 1; // one that Grown asked for
            Assert.True(os.ReservedBytes == 0, $"{refusals} refusal(s) from release {k} on: {os.ReservedBytes} bytes are still reserved after Dispose");
            Assert.Empty(os.Violations);
        }

        Assert.InRange(k, 10, 100);
    }

    [Fact]
    public void Dispose_comes_to_its_end_where_every_second_release_is_refused_and_where_all_are()
    {
        using var os = new SimulatedVirtualMemory();
        using (Grown(os))
            os.FailEvery(VmVerb.Release, 2);
        Assert.Equal(0ul, os.ReservedBytes);
        using (Grown(os))
            os.FailEvery(VmVerb.Release, 1);
        Assert.InRange(os.Calls(VmVerb.Release), 1, 1000);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void The_loser_of_a_race_for_a_stretch_whose_release_is_refused_loses_no_address()
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = LiveSet.Over(os, reserve: Reserve))
        {
            var heap = live.Heap;
            Race(os, live, Site.StretchPublish, () => Assert.Equal(Outcome.Ok, Stretches<HookedAtomics, ShippedGeometry>.Add(heap, 1, 0, isFirst: false)));
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void The_loser_of_a_race_for_a_space_whose_release_is_refused_loses_no_address()
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = LiveSet.Over(os, reserve: Reserve))
        {
            var heap = live.Heap;
            Race(os, live, Site.RegionSpacePublish, () => Assert.Equal(Outcome.Ok, RegionAreas<HookedAtomics, ShippedGeometry>.Add(heap, 0)));
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_system_that_refuses_for_long_costs_a_bounded_number_of_ranges_and_is_told()
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = LiveSet.Over(os, reserve: Reserve))
        {
            os.FailEvery(VmVerb.Commit, 1);
            os.FailEvery(VmVerb.Release, 1);
            AllocError error = default;
            for (var i = 0; i < 100; i++)
            {
                Assert.False(live.Allocator.TryAlloc(ref live.Cache, (nuint)(i % 2 == 0 ? 3 * MiB : 100_000), out _, out error));
                Assert.Equal(0ul, DirectMappings<HardwareAtomics>.Alloc(live.Heap, 5ul << 30, 1, out _));
            }

            Assert.Equal(AllocError.TooManyMappings, error);
            Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
            os.ClearFaults();
            foreach (var (_, act) in s_growths)
                act(live);
            Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
            ChargeWalk.Check(live.Heap);
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    // Every kind of range there is, a mapping among them that was freed and is not gone.
    private static LiveSet Grown(SimulatedVirtualMemory os)
    {
        var live = LiveSet.Over(os, reserve: Reserve);
        foreach (var (_, act) in s_growths)
            act(live);
        Assert.NotEqual(0ul, DirectMappings<HardwareAtomics>.Alloc(live.Heap, 1 << 20, 1, out _));
        var address = DirectMappings<HardwareAtomics>.Alloc(live.Heap, 1 << 20, 1, out _);
        os.FailAt(VmVerb.Release, 1);
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(live.Heap, address));
        return live;
    }

    // Where a mapping was freed that could not be released it is in no figure, and where it could not be purged either it stays charged.
    private static void Check(SimulatedVirtualMemory os, LiveSet live)
    {
        if (live.Heap->DirectLeavesLine.Value == 0)
            Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
        if (!os.Log.Any(call => call is { Verb: VmVerb.Purge, Status: not VmStatus.Ok }))
            ChargeWalk.Check(live.Heap);
    }

    private static void Race(SimulatedVirtualMemory os, LiveSet live, Site publish, Action add)
    {
        var raced = false;
        HookedAtomics.With(
            site =>
            {
                if (site != publish || raced)
                    return;
                raced = true;
                add();
                os.FailAt(VmVerb.Release, 1);
                os.FailAt(VmVerb.Release, 2);
            },
            add);
        Assert.Equal(2, os.FaultsInjected);
        Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
        ChargeWalk.Check(live.Heap);
    }

    // Untouched: only what is reserved and committed matters.
    private static void Ask(LiveSet live, params ulong[] sizes)
    {
        var held = new List<nint>();
        foreach (var size in sizes)
            if (live.Allocator.TryAlloc(ref live.Cache, (nuint)size, out var address, out _))
                held.Add((nint)address);
        foreach (var address in held)
            live.Allocator.Free(ref live.Cache, (void*)address);
    }
}
