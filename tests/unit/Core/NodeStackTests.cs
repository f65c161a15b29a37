using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>The stack of magazines and records, on both forms of its head.</summary>
public sealed class NodeStackTests
{
    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Nodes_come_back_last_in_first_out_and_the_depth_counts_them(CasWidth width)
    {
        using var stack = new StackUnderTest<HardwareAtomics>(width, 100);
        Assert.Equal(-1, stack.Pop());
        for (var node = 0; node < 100; node++)
        {
            Assert.Equal((ulong)node, stack.Depth);
            Assert.True(stack.TryPush(node));
        }

        for (var node = 99; node >= 0; node--)
        {
            Assert.Equal((ulong)node + 1, stack.Depth);
            Assert.Equal(node, stack.Pop());
        }

        Assert.Equal(0ul, stack.Depth);
        Assert.Equal(-1, stack.Pop());
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void A_push_beyond_the_depth_is_refused_and_changes_nothing(CasWidth width)
    {
        using var stack = new StackUnderTest<HardwareAtomics>(width, 4);
        Assert.False(stack.TryPush(0, 0));
        Assert.True(stack.TryPush(0, 2));
        Assert.True(stack.TryPush(1, 2));
        Assert.False(stack.TryPush(2, 2));
        Assert.Equal(2ul, stack.Depth);
        Assert.Equal([1, 0], stack.TakeAll());
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Take_all_returns_the_whole_chain_newest_first(CasWidth width)
    {
        using var stack = new StackUnderTest<HardwareAtomics>(width, 5);
        Assert.Empty(stack.TakeAll());
        for (var node = 0; node < 5; node++)
            stack.TryPush(node);
        Assert.Equal([4, 3, 2, 1, 0], stack.TakeAll());
        Assert.Empty(stack.TakeAll());
        Assert.Equal(0ul, stack.Depth);
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void The_generation_grows_by_one_per_pop_and_take_all_and_by_nothing_else(CasWidth width)
    {
        using var stack = new StackUnderTest<HardwareAtomics>(width, 3);
        Assert.Equal(0ul, stack.Generation);
        stack.TryPush(0);
        stack.TryPush(1);
        stack.TryPush(2, 2);
        Assert.Equal(0ul, stack.Generation);
        stack.Pop();
        Assert.Equal(1ul, stack.Generation);
        stack.TryPush(2);
        stack.TakeAll();
        Assert.Equal(2ul, stack.Generation);
        stack.Pop();
        stack.TakeAll();
        Assert.Equal(2ul, stack.Generation);
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void A_popper_that_sleeps_while_its_node_comes_back_does_not_bring_a_stale_link_with_it(CasWidth width) =>
        Assert.Equal(-1, PopAcrossAba<HookedAtomics>(width));

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Without_the_generation_the_stale_link_hands_a_node_out_twice(CasWidth width) =>
        Assert.Equal(0, PopAcrossAba<ForgetfulAtomics>(width));

    /// <summary>Node 1 above node 0. Before the popper's compare-exchange both are popped, 0 is kept by its new owner, and 1 comes back. What is left after the popper's pop?</summary>
    private static int PopAcrossAba<TAtomics>(CasWidth width)
        where TAtomics : struct, IAtomics
    {
        using var stack = new StackUnderTest<TAtomics>(width, 2);
        stack.TryPush(0);
        stack.TryPush(1);
        var slept = false;
        HookedAtomics.With(
            site =>
            {
                if (site != Site.StackPop || slept)
                    return;
                slept = true;
                Assert.Equal(1, stack.Pop());
                Assert.Equal(0, stack.Pop());
                Assert.True(stack.TryPush(1));
            },
            () => Assert.Equal(1, stack.Pop()));
        Assert.True(slept);
        return stack.Pop();
    }
}
