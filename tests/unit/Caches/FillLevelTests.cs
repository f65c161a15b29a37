using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Core;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>Whoever walks to and fro at any fill level of a cache pays for a slow path once in half a magazine of calls, not at every other one.</summary>
public sealed unsafe class FillLevelTests(ITestOutputHelper output)
{
    private const int Magazines = 3;

    [Theory]
    [InlineData(64)]
    [InlineData(1000)]
    [InlineData(8192)]
    public void A_walk_around_any_fill_level_seldom_leaves_the_magazine(int size)
    {
        using var live = new LiveSet(new());
        var sizeClass = SizeClasses.ClassOf((nuint)size);
        live.AllocMany(1, size);
        var slots = live.Heap->Classes[sizeClass].MagazineSlots;
        var worst = 0;
        for (var level = 0; level <= Magazines * slots; level += Math.Max(1, slots / 40))
        {
            live.AllocMany(level, size);
            worst = Math.Max(worst, Leaves(live, sizeClass, size, rounds: slots));
            live.FreeAll();
        }

        output.WriteLine($"{size} bytes, {slots} slots: at most {worst} changes of the loaded magazine in {4 * slots} calls");
        Assert.InRange(worst, 0, 3); // two in a row at most, and the first
    }

    [Fact]
    public void What_is_shared_out_between_two_magazines_is_all_there_and_comes_back_newest_first()
    {
        using var live = new LiveSet(new());
        var allocator = live.Allocator;
        var slots = live.Heap->Classes[SizeClasses.ClassOf(64)].MagazineSlots;
        var pointers = new nint[slots + (slots / 2)];
        foreach (ref var pointer in pointers.AsSpan())
            pointer = (nint)allocator.Alloc(ref live.Cache, 64);
        foreach (var pointer in pointers)
            allocator.Free(ref live.Cache, (void*)pointer, 64);

        // Newest first as far as the slots of these frees reach: sharing keeps their order.
        for (var i = pointers.Length - 1; i >= 0; i--)
            Assert.Equal(pointers[i], (nint)allocator.Alloc(ref live.Cache, 64));
        foreach (var pointer in pointers)
            allocator.Free(ref live.Cache, (void*)pointer, 64);
    }

    // Two out, two in, around where the walk stands: counted is how often the top has gone to another magazine.
    private static int Leaves(LiveSet live, int sizeClass, int size, int rounds)
    {
        var (allocator, changes) = (live.Allocator, 0);
        var last = Loaded(live, sizeClass);
        for (var round = 0; round < rounds; round++)
        {
            var first = allocator.Alloc(ref live.Cache, (nuint)size);
            Count();
            var second = allocator.Alloc(ref live.Cache, (nuint)size);
            Count();
            allocator.Free(ref live.Cache, first, (nuint)size);
            Count();
            allocator.Free(ref live.Cache, second, (nuint)size);
            Count();
        }

        return changes;

        void Count()
        {
            var now = Loaded(live, sizeClass);
            changes += now != last ? 1 : 0;
            last = now;
        }
    }

    private static nint Loaded(LiveSet live, int sizeClass) => (nint)Magazine.Of<ShippedGeometry>(*CacheRecord.Top(live.Cache.Record, sizeClass));
}
