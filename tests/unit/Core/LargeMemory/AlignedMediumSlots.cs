using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>A longer slot that serves a medium request lies at a multiple of its own length: an alignment that was asked for has to hold there too.</summary>
public sealed unsafe class AlignedMediumSlots
{
    [Theory]
    [InlineData(Level.Fast)]
    [InlineData(Level.Checked)]
    public void Keep_to_the_alignment_whatever_slots_lie_free(Level level) => Seeded.Run(1, random =>
    {
        using var allocator = new BitTreeAllocator(new() { Level = level });
        var cache = allocator.CreateCache();
        var live = new List<(nint Pointer, nuint Size, nuint Alignment)>();
        var longer = 0;
        for (var step = 0; step < 20_000; step++)
        {
            if (live.Count > 100)
            {
                var index = random.Next(live.Count);
                var (old, oldSize, oldAlignment) = live[index];
                live[index] = live[^1];
                live.RemoveAt(live.Count - 1);
                allocator.FreeAligned(ref cache, (void*)old, oldSize, oldAlignment);
            }

            var alignment = (nuint)1 << random.Next(3, 22);
            var size = (nuint)random.Next(64 << 10, (2 << 20) + 1);
            var pointer = allocator.AllocAligned(ref cache, size, alignment);
            Assert.True(((nuint)pointer & (alignment - 1)) == 0, $"{size} bytes at a multiple of {alignment} lie at 0x{(nuint)pointer:x}");
            longer += allocator.UsableSize(pointer) > BitTreeAllocator.GoodSize((size + alignment - 1) & ~(alignment - 1)) ? 1 : 0;
            live.Add(((nint)pointer, size, alignment));
        }

        Assert.True(longer > 0, "no longer slot served a request: nothing was tried");
        foreach (var (pointer, size, alignment) in live)
            allocator.FreeAligned(ref cache, (void*)pointer, size, alignment);
        cache.Dispose();
        Assert.Equal(0u, allocator.GetStatistics().LiveBytes);
    });
}
