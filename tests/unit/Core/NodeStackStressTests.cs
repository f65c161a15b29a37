using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Four threads on one stack: a node has one owner at a time, and at rest all are there.</summary>
public sealed class NodeStackStressTests
{
    private const int Nodes = 12;
    private const int Steps = 60_000;

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Every_node_has_one_owner_at_a_time_and_none_is_lost(CasWidth width) => Seeded.Run(1, random =>
    {
        using var stack = new StackUnderTest<HardwareAtomics>(width, Nodes);
        var owners = new int[Nodes];
        for (var node = 0; node < Nodes; node++)
            stack.TryPush(node);
        var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
        var taken = new ulong[4];
        Threads.Run(4, number => taken[number] = Work(stack, owners, number + 1, new Random(seeds[number])));
        Assert.Equal((ulong)Nodes, stack.Depth);
        Assert.Equal(taken.Aggregate(0ul, (sum, t) => sum + t), stack.Generation);
        Assert.Equal(Enumerable.Range(0, Nodes), stack.TakeAll().Order());
    });

    /// <summary>Returns how many pops and take-alls succeeded.</summary>
    private static ulong Work(StackUnderTest<HardwareAtomics> stack, int[] owners, int me, Random random)
    {
        var mine = new Stack<int>();
        var taken = 0ul;
        for (var step = 0; step < Steps; step++)
        {
            if (mine.Count < 3 && random.Next(2) == 0)
            {
                var got = random.Next(50) == 0 ? stack.TakeAll() : stack.Pop() is >= 0 and var node ? [node] : [];
                taken += got.Count > 0 ? 1ul : 0;
                foreach (var one in got)
                {
                    Assert.Equal(0, Interlocked.CompareExchange(ref owners[one], me, 0));
                    mine.Push(one);
                }
            }
            else
            {
                PushOne(stack, owners, me, mine);
            }
        }

        while (mine.Count > 0)
            PushOne(stack, owners, me, mine);
        return taken;
    }

    private static void PushOne(StackUnderTest<HardwareAtomics> stack, int[] owners, int me, Stack<int> mine)
    {
        if (!mine.TryPop(out var node))
            return;
        Assert.Equal(me, Interlocked.Exchange(ref owners[node], 0));
        Assert.True(stack.TryPush(node));
    }
}
