using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>What the throwing forms throw, and that a message is enough to act on.</summary>
public sealed unsafe class ThrowingForms
{
    [Fact]
    public void Out_of_memory_states_the_request_and_the_figures_of_the_allocator()
    {
        using var system = new SimulatedVirtualMemory(new SimulatedVirtualMemoryOptions { CapacityBytes = 4 << 20 });
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        var live = allocator.Alloc(12_345);
        var thrown = Assert.Throws<AllocatorOutOfMemoryException>(() => { allocator.Alloc(40_000_001); });
        Assert.Equal(AllocError.CommitRefused, thrown.Error);
        Assert.Equal((nuint)40_000_001, thrown.RequestedBytes);
        var statistics = allocator.GetStatistics();
        Assert.Contains("40000001", thrown.Message.Replace(",", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(statistics.LiveBytes.ToString(System.Globalization.CultureInfo.InvariantCulture), Digits(thrown.Message), StringComparison.Ordinal);
        Assert.Contains(statistics.CommittedBytes.ToString(System.Globalization.CultureInfo.InvariantCulture), Digits(thrown.Message), StringComparison.Ordinal);
        allocator.Free(live);
    }

    [Fact]
    public void Out_of_memory_is_thrown_by_each_form_and_the_old_block_is_intact()
    {
        using var system = new SimulatedVirtualMemory(new SimulatedVirtualMemoryOptions { CapacityBytes = 4 << 20 });
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        var old = (byte*)allocator.Alloc(100);
        new Span<byte>(old, 100).Fill(7);
        Assert.ThrowsAny<OutOfMemoryException>(() => { allocator.AllocZeroed(40 << 20); });
        Assert.ThrowsAny<OutOfMemoryException>(() => { allocator.AllocAligned(40 << 20, 4096); });
        Assert.ThrowsAny<OutOfMemoryException>(() => { allocator.Realloc(old, 40 << 20); });
        Assert.ThrowsAny<OutOfMemoryException>(() => { allocator.ReallocAligned(old, 40 << 20, 64); });
        Assert.Equal(-1, new Span<byte>(old, 100).IndexOfAnyExcept((byte)7));
        allocator.Free(old, 100);
    }

    [Fact]
    public void Bad_alignments_and_overflows_are_argument_errors_that_name_the_value()
    {
        using var allocator = new BitTreeAllocator();
        Assert.Contains("24", Assert.ThrowsAny<ArgumentException>(() => { allocator.AllocAligned(8, 24); }).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => { allocator.AllocAligned(8, 0); });
        Assert.ThrowsAny<ArgumentException>(() => { allocator.AllocAligned(8, BitTreeAllocator.MaxAlignment * 2); });
        Assert.ThrowsAny<ArgumentException>(() => { allocator.AllocZeroed(nuint.MaxValue / 2, 3); });
        Assert.ThrowsAny<ArgumentException>(() => { allocator.AllocZeroed((nuint)1 << 32, (nuint)1 << 32); });
    }

    [Fact]
    public void Sizes_above_MaxSize_throw_and_change_nothing()
    {
        using var allocator = new BitTreeAllocator();
        var thrown = Assert.ThrowsAny<Exception>(() => { allocator.Alloc(BitTreeAllocator.MaxSize + 1); });
        Assert.True(thrown is ArgumentException or OutOfMemoryException, thrown.ToString());
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void A_double_free_of_a_large_block_is_an_invalid_operation()
    {
        using var allocator = new BitTreeAllocator();
        foreach (var size in new nuint[] { 3_000_000, ((nuint)64 << 30) + 1 })
        {
            var p = allocator.Alloc(size);
            allocator.Free(p);
            Assert.ThrowsAny<InvalidOperationException>(() => allocator.Free(p));
            Assert.ThrowsAny<InvalidOperationException>(() => allocator.Free(p, size));
        }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public void A_double_free_of_a_small_block_is_told_when_the_cache_is_flushed_at_the_latest()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var p = allocator.Alloc(ref cache, 64);
        var thrown = Record.Exception(() => TwiceAndPark(allocator, ref cache, p));
        Assert.IsAssignableFrom<InvalidOperationException>(thrown);

        static void TwiceAndPark(BitTreeAllocator allocator, ref ThreadCache cache, void* p)
        {
            allocator.Free(ref cache, p);
            allocator.Free(ref cache, p);
            cache.Park();
        }
    }

    private static string Digits(string message) => message.Replace(",", "", StringComparison.Ordinal);
}
