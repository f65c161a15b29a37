using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>One thread against a sorted set, on several geometries.</summary>
public sealed class BitTreeTests
{
    [Fact]
    public void Picks_lowest_first_like_a_sorted_set_on_the_shipped_geometry_with_64_trees() => AgainstSortedSet<ShippedGeometry>(64, 3, 6000);

    [Fact]
    public void Picks_lowest_first_like_a_sorted_set_on_one_shipped_tree() => AgainstSortedSet<ShippedGeometry>(1, 74, 6000);

    [Fact]
    public void Picks_lowest_first_like_a_sorted_set_on_tiny_trees()
    {
        AgainstSortedSet<TinyGeometry>(2, 2, 3000);
        AgainstSortedSet<SmallGeometry>(4, 2, 3000);
        AgainstSortedSet<FlatGeometry>(3, 1, 3000);
    }

    [Fact]
    public void The_check_against_the_set_fails_on_atomics_that_forget_a_leaf() =>
        Assert.ThrowsAny<Exception>(() => AgainstSortedSet<SmallGeometry, ForgetfulAtomics>(4, 1, 3000));

    [Fact]
    public void The_last_block_of_the_64th_tree_is_found()
    {
        using var tree = new TreeUnderTest<HardwareAtomics, ShippedGeometry>(64, 2);
        tree.Set(1, tree.Blocks - 1);
        Assert.True(tree.IsSet(1, tree.Blocks - 1));
        Assert.False(tree.TryPick(0, out _));
        Assert.True(tree.TryPick(1, out var block));
        Assert.Equal(tree.Blocks - 1, block);
        Assert.False(tree.TryPick(1, out _));
    }

    [Fact]
    public void An_emptied_tree_is_left_with_every_word_zero() => Seeded.Run(3, random =>
    {
        using var tree = new TreeUnderTest<HardwareAtomics, SmallGeometry>(4, 1);
        for (var i = 0; i < 500; i++)
            tree.Set(0, (ulong)random.Next((int)tree.Blocks));
        while (tree.TryPick(0, out _))
        {
        }

        Assert.False(tree.Sweep(0));
        Assert.Equal(0ul, SummaryOf(tree));
    });

    [Fact]
    public void Sweep_repairs_the_parents_that_a_stopped_setter_left_clear()
    {
        foreach (var site in new[] { Site.TreeSetParent, Site.TreeHelpParent })
        {
            using var tree = new TreeUnderTest<HookedAtomics, SmallGeometry>(4, 1);
            if (site == Site.TreeHelpParent)
                Assert.True(HookedAtomics.StopAt(Site.TreeSetParent, () => tree.Set(0, 132)));
            Assert.True(HookedAtomics.StopAt(site, () => tree.Set(0, 133)));
            Assert.True(tree.IsSet(0, 133));
            Assert.False(tree.TryPick(0, out _)); // hidden: nobody set a parent
            Assert.True(tree.Sweep(0));
            if (site == Site.TreeHelpParent)
                Assert.True(tree.TryPick(0, out _));
            Assert.True(tree.TryPick(0, out var block));
            Assert.Equal(133ul, block);
        }
    }

    [Fact]
    public unsafe void Sweep_repairs_parents_cleared_at_any_level()
    {
        using var tree = new TreeUnderTest<HardwareAtomics, SmallGeometry>(4, 1);
        foreach (var level in new[] { 1, 2, 3 })
        {
            tree.Set(0, 77);
            tree.Set(0, 200);
            var view = tree.View;
            *(level == 1 ? view.Middles + (77 >> 4) : level == 2 ? view.Tops + (77 >> 6) : view.Summaries) = 0;
            Assert.True(tree.Sweep(0));
            Assert.True(tree.TryPick(0, out var first) && first == 77);
            Assert.True(tree.TryPick(0, out var second) && second == 200);
        }
    }

    [Fact]
    public void A_setter_stopped_anywhere_hides_its_own_block_at_most()
    {
        for (var k = 1; ; k++)
        {
            using var tree = new TreeUnderTest<HookedAtomics, SmallGeometry>(4, 1);
            tree.Set(0, 3);
            var stopped = HookedAtomics.StopAt(k, () => tree.Set(0, 133));
            tree.Set(0, 134);
            tree.Set(0, 255);
            var found = new HashSet<ulong>();
            while (tree.TryPick(0, out var block))
                Assert.True(found.Add(block));
            Assert.Superset(new HashSet<ulong> { 3, 255 }, found);
            if (k > 1)
                Assert.True(found.Contains(134) || tree.Sweep(0));
            if (!stopped)
                break;
        }
    }

    private static unsafe ulong SummaryOf(TreeUnderTest<HardwareAtomics, SmallGeometry> tree)
    {
        var view = tree.View;
        var sum = *view.Summaries;
        for (var word = 0; word < 4; word++)
            sum |= view.Tops[word];
        for (var word = 0; word < 16; word++)
            sum |= view.Middles[word];
        return sum;
    }

    private static void AgainstSortedSet<TGeometry>(int trees, int columns, int steps)
        where TGeometry : struct, IGeometry => AgainstSortedSet<TGeometry, HardwareAtomics>(trees, columns, steps);

    private static void AgainstSortedSet<TGeometry, TAtomics>(int trees, int columns, int steps)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics => Seeded.Run(3, random =>
        {
            using var tree = new TreeUnderTest<TAtomics, TGeometry>(trees, columns);
            var sets = Enumerable.Range(0, columns).Select(_ => new SortedSet<ulong>()).ToArray();
            for (var step = 0; step < steps; step++)
            {
                var column = random.Next(columns);
                var block = (ulong)random.NextInt64((long)tree.Blocks);
                var setMore = step / 500 % 2 == 0;
                if (random.Next(4) == (setMore ? 0 : 1) || (!setMore && random.Next(3) > 0))
                {
                    Assert.Equal(sets[column].Count > 0, tree.TryPick(column, out var picked));
                    if (sets[column].Count > 0)
                        Assert.Equal(sets[column].Min, picked);
                    sets[column].Remove(picked);
                }
                else
                {
                    tree.Set(column, block);
                    sets[column].Add(block);
                }

                Assert.Equal(sets[column].Contains(block), tree.IsSet(column, block));
            }
        });
}
