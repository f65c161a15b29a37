using System.Runtime.InteropServices;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>The category that a pointer tells is the one of its size, at its start and inside, live and freed.</summary>
public sealed unsafe class CategoryOfPointers
{
    private static readonly ulong[] s_edges = [0, 1, 16, 65_536, 65_537, 100_000, 2 << 20, (2 << 20) + 1, 5 << 20, 64 << 20, 1ul << 30, 3ul << 30, 64ul << 30, (64ul << 30) + 1];

    [Theory]
    [InlineData(Level.Fast)]
    [InlineData(Level.Checked)]
    public void Every_pointer_of_a_random_run_tells_the_category_of_its_size(Level level) => Seeded.Run(2, random =>
    {
        using var allocator = new BitTreeAllocator(new() { Level = level, UseContainerLimit = false });
        using var other = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var live = new List<(nint Address, ulong Size)>();
        var told = new HashSet<SizeCategory>();
        for (var step = 0; step < 3000; step++)
        {
            if (live.Count > 200 || (live.Count > 0 && random.Next(3) == 0))
            {
                var index = random.Next(live.Count);
                var (address, size) = live[index];
                live.RemoveAt(index);
                allocator.Free(ref cache, (void*)address);
                var expected = CategoryOf(size) == SizeCategory.Direct ? SizeCategory.None : CategoryOf(size);
                Assert.Equal(expected, allocator.CategoryOf((void*)address));
                continue;
            }

            var wanted = step < s_edges.Length ? s_edges[step] : SizeOf(random);
            var slot = (byte*)allocator.Alloc(ref cache, (nuint)wanted);
            live.Add(((nint)slot, wanted));
            told.Add(CategoryOf(wanted));
            foreach (var at in new[] { 0ul, wanted / 2, wanted == 0 ? 0 : wanted - 1, wanted == 0 ? 0 : (ulong)random.NextInt64((long)wanted) })
            {
                Assert.Equal(CategoryOf(wanted), allocator.CategoryOf(slot + at));
                Assert.Equal(SizeCategory.None, other.CategoryOf(slot + at));
            }
        }

        Assert.Equal(4, told.Count);
        foreach (var (address, _) in live)
            allocator.Free(ref cache, (void*)address);
        cache.Dispose();
    });

    [Fact]
    public void A_foreign_pointer_tells_none()
    {
        var allocator = new BitTreeAllocator();
        var foreign = NativeMemory.Alloc(100);
        var local = 0L;
        var region = allocator.Alloc(5 << 20);
        var behind = (byte*)region + (1ul << 40);
        foreach (var pointer in new[] { (nint)foreign, (nint)(&local), 0, 16, -1, nint.MinValue, nint.MaxValue, (nint)behind })
            Assert.Equal(SizeCategory.None, allocator.CategoryOf((void*)pointer));
        NativeMemory.Free(foreign);
        allocator.Free(region);
        allocator.Dispose();
        Assert.Equal(SizeCategory.None, allocator.CategoryOf(region));
    }

    private static SizeCategory CategoryOf(ulong size) => size switch
    {
        <= 65_536 => SizeCategory.Small,
        <= 2 << 20 => SizeCategory.Medium,
        <= 64ul << 30 => SizeCategory.Region,
        _ => SizeCategory.Direct,
    };

    private static ulong SizeOf(Random random) => random.Next(12) switch
    {
        0 => (ulong)random.NextInt64(2 << 20, 200 << 20),
        1 or 2 => (ulong)random.NextInt64(65_536, 2 << 20),
        3 when random.Next(20) == 0 => (ulong)random.NextInt64((64L << 30) + 1, 70L << 30),
        _ => (ulong)random.NextInt64(65_537),
    };
}
