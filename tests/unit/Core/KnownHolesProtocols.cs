using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Core.Progress;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors between threads: lost races and threads that stop in the middle. docs/known-holes.md lists them all.</summary>
public sealed class KnownHolesProtocols
{
    private const int Nodes = 6;

    [Theory]
    [InlineData("alloc")]
    [InlineData("zeroed")]
    [InlineData("fresh")]
    public void Hole_1_an_allocation_with_a_whole_trim_before_any_of_its_steps_owns_memory_that_stays(string taker)
    {
        InterruptionTests.Interrupt(taker, "trim", CasWidth.Eight, Engine.Of<HookedAtomics, ShippedGeometry>());
        InterruptionTests.Interrupt("trim", taker, CasWidth.Eight, Engine.Of<HookedAtomics, ShippedGeometry>());
    }

    [Fact]
    public void Hole_1_a_trim_that_purges_what_was_taken_meanwhile_is_caught() =>
        Assert.ThrowsAny<Exception>(() => InterruptionTests.Interrupt("trim", "alloc", CasWidth.Eight, Engine.Of<ForgetfulAtomics, ShippedGeometry>()));

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Hole_2_a_popper_stopped_before_any_of_its_steps_hangs_nobody_and_takes_one_node_at_most(CasWidth width)
    {
        for (var k = 1; ; k++)
        {
            using var stack = new StackUnderTest<HookedAtomics>(width, Nodes);
            for (var node = 0; node < Nodes; node++)
                stack.TryPush(node);
            var stopped = HookedAtomics.StopAt(k, () => stack.Pop());
            var accesses = 0;
            HookedAtomics.With(
                _ => Assert.True(++accesses < 10 * 20_000, "the survivor waits"),
                () =>
                {
                    for (var round = 0; round < 10_000; round++)
                    {
                        var node = stack.Pop();
                        Assert.NotEqual(-1, node);
                        stack.TryPush(node);
                    }
                });
            var left = stack.TakeAll();
            Assert.Equal(left.Count, left.Distinct().Count());
            Assert.InRange(left.Count, Nodes - 1, Nodes);
            if (!stopped)
            {
                Assert.Equal(Nodes - 1, left.Count); // it popped, and keeps what it got
                Assert.InRange(k, 3, 10);
                return;
            }
        }
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Hole_14_at_every_step_of_a_trim_another_thread_allocates_and_frees_in_bounded_steps(CasWidth width)
    {
        using var world = new World(width);
        var (trimmer, other) = (world.Stopped[0], world.Survivor);
        Operations.Named("trim").Prepare!(world, trimmer);
        var (steps, most) = (0, 0);
        HookedAtomics.With(
            _ =>
            {
                steps++;
                var accesses = 0;
                HookedAtomics.With(
                    site => Assert.True(++accesses < 4000, $"a thread waits for a trim at {site}"),
                    () =>
                    {
                        other.Alloc(steps % 5 == 0 ? 4000 : 200);
                        other.Alloc(24);
                        other.Free(steps % other.Live.Count, sized: true);
                        other.Free(steps % other.Live.Count, sized: false);
                    });
                most = Math.Max(most, accesses);
            },
            () => trimmer.Allocator.Trim(ref trimmer.Cache));
        other.CheckAll();
        Assert.InRange(steps, 500, 50_000);
        Assert.InRange(most, 1, 4000);
        Assert.Equal(Stranded.None with { CacheBytes = 0 }, world.Rest() with { CacheBytes = 0 });
    }
}
