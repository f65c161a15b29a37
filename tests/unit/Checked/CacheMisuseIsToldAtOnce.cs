using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Checked;

/// <summary>Two users of one cache at the checked level: who comes while the other is inside is told, on a hit too.</summary>
public sealed unsafe class CacheMisuseIsToldAtOnce
{
    [Fact]
    public void Whoever_comes_while_another_is_inside_a_slow_path_is_told_by_every_call()
    {
        var told = 0;
        using var live = new LiveSet(new BitTreeAllocator(new() { Level = Level.Checked }, Engine.Of<HookedAtomics, ShippedGeometry>()), owns: true);
        live.AllocMany(20, 100);
        live.FreeWhere(i => i % 2 == 0);
        var slot = (void*)live.Live[0].Address;
        HookedAtomics.With(
            site =>
            {
                if (site == Site.BitmapTake || told > 0)
                    return;
                told++;
                var alias = live.Cache;
                Misused(() => live.Allocator.Alloc(ref alias, 100));
                Misused(() => live.Allocator.AllocZeroed(ref alias, 100));
                Misused(() => live.Allocator.AllocZeroed(ref alias, 5000));
                Misused(() => live.Allocator.AllocAligned(ref alias, 100, 64));
                Misused(() => live.Allocator.Realloc(ref alias, slot, 4000));
                Misused(() => live.Allocator.Free(ref alias, slot, 100));
                Misused(() => live.Allocator.Free(ref alias, slot));
                Misused(() => live.Allocator.Trim(ref alias));
                Misused(() => alias.Park());
                Misused(() => alias.Dispose());
                Assert.False(live.Allocator.TryFree(ref alias, slot, out var error));
                Assert.Equal(AllocError.CacheMisused, error);
            },
            () => live.Alloc(3000));
        Assert.Equal(1, told);
        MisuseIsToldAtOnce.StaysRight(live);
    }

    [Fact]
    public void A_hit_of_the_fast_level_sees_nobody_inside()
    {
        var seen = 0;
        using var live = new LiveSet(new BitTreeAllocator(new() { Level = Level.Fast }, Engine.Of<HookedAtomics, ShippedGeometry>()), owns: true);
        live.AllocMany(20, 100);
        HookedAtomics.With(_ => seen += seen == 0 && live.Cache.Record->Busy != 0 && live.Alloc(100) != null ? 1 : 0, () => live.Alloc(3000));
        Assert.NotEqual(0, seen);
        live.CheckAll();
        live.FreeAll();
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20)]
    [InlineData(9000)]
    public void A_slot_that_two_threads_took_at_once_goes_to_one_of_them(int size)
    {
        using var live = MisuseIsToldAtOnce.Checked();
        live.AllocMany(20, size);
        live.FreeWhere(i => i % 2 == 0);

        // What a race of two pops leaves behind: the top as it was before the other's.
        var top = CacheRecord.Top(live.Cache.Record, SizeClasses.ClassOf((nuint)size));
        var first = live.Alloc(size);
        (*top)++;
        Misused(() => live.Allocator.Alloc(ref live.Cache, (nuint)size));
        Assert.True(live.Alloc(size) != first);
        MisuseIsToldAtOnce.StaysRight(live);
    }

    private static void Misused(Action call) => Assert.Equal(AllocError.CacheMisused, Assert.Throws<AllocatorMisuseException>(call).Error);
}
