namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known hole 10 of the ancestors, a double free inside a cache: at once at the checked level, at the flush at the fast one.</summary>
public sealed unsafe class KnownHolesMisuse
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Hole_10_at_the_fast_level_a_double_free_in_one_magazine_is_told_at_the_flush_and_gives_the_slot_back_once(bool sized)
    {
        using var live = new LiveSet(new() { Level = Level.Fast });
        live.AllocMany(20, 100);
        var slot = (void*)live.Live[7].Address;
        live.FreeAll();
        if (sized)
            live.Allocator.Free(ref live.Cache, slot, 100);
        else
            live.Allocator.Free(ref live.Cache, slot);
        var error = Assert.Throws<AllocatorMisuseException>(() => live.Cache.Park());
        Assert.Equal(AllocError.DoubleFree, error.Error);
        StaysUsable(live);
    }

    [Fact]
    public void Hole_10_at_the_fast_level_a_second_free_after_the_flush_is_told_too()
    {
        using var live = new LiveSet(new() { Level = Level.Fast });
        live.AllocMany(20, 100);
        var slot = (void*)live.Live[7].Address;
        live.FreeWhere(i => i != 0); // one stays, so that the block does
        live.Cache.Park();
        live.Allocator.Free(ref live.Cache, slot, 100);
        Assert.Equal(AllocError.DoubleFree, Assert.Throws<AllocatorMisuseException>(() => live.Cache.Park()).Error);
        StaysUsable(live);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Hole_10_at_the_checked_level_a_double_free_inside_a_cache_is_told_by_the_second_free(bool sized)
    {
        using var live = new LiveSet(new() { Level = Level.Checked });
        live.AllocMany(20, 100);
        var slot = (void*)live.Live[7].Address;
        live.FreeAll();
        var error = Assert.Throws<AllocatorMisuseException>(() =>
        {
            if (sized)
                live.Allocator.Free(ref live.Cache, slot, 100);
            else
                live.Allocator.Free(ref live.Cache, slot);
        });
        Assert.Equal(AllocError.DoubleFree, error.Error);

        // It was not taken in: the flush finds nothing.
        live.Cache.Park();
        StaysUsable(live);
    }

    [Fact]
    public void Hole_10_control_frees_of_each_slot_once_are_told_at_neither_level()
    {
        foreach (var level in new[] { Level.Fast, Level.Checked })
        {
            using var live = new LiveSet(new() { Level = level });
            live.AllocMany(20, 100);
            live.FreeWhere(i => i % 2 == 0);
            live.FreeAll(sized: false);
            live.Cache.Park();
            StaysUsable(live);
        }
    }

    private static void StaysUsable(LiveSet live)
    {
        live.FreeAll();
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        live.AllocMany(2000, 100);
        Assert.Equal(2000, live.Live.Select(one => one.Address).Distinct().Count());
        live.CheckAll();
        live.FreeAll();
    }
}
