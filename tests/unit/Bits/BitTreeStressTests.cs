using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>Several threads pick and set: each block has one owner at a time, and at rest nothing is lost.</summary>
public sealed class BitTreeStressTests
{
    private const int Steps = 60_000;

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_block_has_one_owner_at_a_time_and_none_is_lost_at_rest(int threads)
    {
        Stress<ShippedGeometry, HardwareAtomics>(2, threads, 200);
        Stress<TinyGeometry, HardwareAtomics>(2, threads, 16);
        Stress<SmallGeometry, HardwareAtomics>(4, threads, 20);
    }

    [Fact]
    public void The_stress_fails_on_atomics_that_forget_a_leaf() =>
        Assert.ThrowsAny<Exception>(() => Stress<SmallGeometry, ForgetfulAtomics>(4, 2, 20));

    private static void Stress<TGeometry, TAtomics>(int trees, int threads, int blocks)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics => Seeded.Run(1, random =>
        {
            using var tree = new TreeUnderTest<TAtomics, TGeometry>(trees, 2);
            var owners = new int[tree.Blocks];
            var stride = Math.Max(1, (int)tree.Blocks / blocks);
            for (var i = 0; i < blocks; i++)
                tree.Set(1, (ulong)(i * stride % (int)tree.Blocks));
            var seeds = Enumerable.Range(0, threads).Select(_ => random.Next()).ToArray();
            Threads.Run(threads, number => Work(tree, owners, number + 1, new Random(seeds[number])));

            // At rest every block is found, each once, without a sweep.
            var found = new HashSet<ulong>();
            while (tree.TryPick(1, out var block))
                Assert.True(found.Add(block));
            Assert.Equal(blocks, found.Count);
        });

    private static void Work<TGeometry, TAtomics>(TreeUnderTest<TAtomics, TGeometry> tree, int[] owners, int me, Random random)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics
    {
        var mine = new List<ulong>();
        for (var step = 0; step < Steps; step++)
        {
            if (mine.Count < 4 && random.Next(2) == 0)
            {
                if (!tree.TryPick(1, out var block))
                    continue;
                Assert.Equal(0, Interlocked.CompareExchange(ref owners[block], me, 0));
                mine.Add(block);
            }
            else if (mine.Count > 0)
            {
                var block = mine[^1];
                mine.RemoveAt(mine.Count - 1);
                Assert.Equal(me, Interlocked.Exchange(ref owners[block], 0));
                tree.Set(1, block);
            }
        }

        foreach (var block in mine)
        {
            owners[block] = 0;
            tree.Set(1, block);
        }
    }
}
