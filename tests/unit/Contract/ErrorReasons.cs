using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>One test per reason that a Try-form can tell. Figures are as before each time.</summary>
public sealed unsafe class ErrorReasons
{
    [Fact]
    public void None_is_told_with_a_pointer()
    {
        using var allocator = new BitTreeAllocator();
        Assert.True(allocator.TryAlloc(100, out var p, out var error));
        Assert.Equal(AllocError.None, error);
        Assert.NotEqual((nuint)0, (nuint)p);
        Assert.True(allocator.TryFree(p, out error));
        Assert.Equal(AllocError.None, error);
    }

    [Fact]
    public void SizeTooLarge_is_told_above_MaxSize()
    {
        using var allocator = new BitTreeAllocator();
        var small = allocator.Alloc(10);
        Refused(allocator, AllocError.SizeTooLarge, (out void* p, out AllocError error) => allocator.TryAlloc(BitTreeAllocator.MaxSize + 1, out p, out error));
        Refused(allocator, AllocError.SizeTooLarge, (out void* p, out AllocError error) => allocator.TryAlloc(nuint.MaxValue, out p, out error));
        Refused(allocator, AllocError.SizeTooLarge, (out void* p, out AllocError error) => allocator.TryAllocZeroed(nuint.MaxValue, out p, out error));
        Refused(allocator, AllocError.SizeTooLarge, (out void* p, out AllocError error) => allocator.TryRealloc(small, nuint.MaxValue, out p, out error));
    }

    [Fact]
    public void SizeOverflow_or_SizeTooLarge_is_told_where_alignment_pushes_a_size_over_the_edge()
    {
        using var allocator = new BitTreeAllocator();
        Assert.False(allocator.TryAllocAligned(nuint.MaxValue - 10, 4096, out var p, out var error));
        Assert.True(error is AllocError.SizeOverflow or AllocError.SizeTooLarge, error.ToString());
        Assert.Equal((nuint)0, (nuint)p);
    }

    [Fact]
    public void BadAlignment_is_told_for_zero_for_no_power_of_two_and_above_the_limit()
    {
        using var allocator = new BitTreeAllocator();
        allocator.Free(allocator.Alloc(8)); // the ambient cache exists
        foreach (var alignment in new nuint[] { 0, 3, 24, 4097, BitTreeAllocator.MaxAlignment * 2, nuint.MaxValue })
            Refused(allocator, AllocError.BadAlignment, (out void* p, out AllocError error) => allocator.TryAllocAligned(100, alignment, out p, out error));
    }

    [Fact]
    public void AddressSpaceExhausted_is_told_where_no_addresses_are_left()
    {
        using var system = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        allocator.Free(allocator.Alloc(100_000));
        system.FailEvery(VmVerb.Reserve, 1);
        Refused(allocator, AllocError.AddressSpaceExhausted, (out void* p, out AllocError error) => allocator.TryAlloc(40 << 20, out p, out error));
    }

    [Fact]
    public void CommitRefused_is_told_where_the_system_backs_no_more_pages()
    {
        using var system = new SimulatedVirtualMemory(new SimulatedVirtualMemoryOptions { CapacityBytes = 12 << 20 });
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        allocator.Free(allocator.Alloc(10));
        allocator.Free(allocator.Alloc(3_000_000)); // addresses for regions are there
        Refused(allocator, AllocError.CommitRefused, (out void* p, out AllocError error) => allocator.TryAlloc(40 << 20, out p, out error));
    }

    [Fact]
    public void TooManyMappings_is_told_where_the_system_says_so()
    {
        using var system = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        allocator.Free(allocator.Alloc(10));
        system.FailEvery(VmVerb.Reserve, 1, VmStatus.TooManyMappings);
        system.FailEvery(VmVerb.Commit, 1, VmStatus.TooManyMappings);
        Refused(allocator, AllocError.TooManyMappings, (out void* p, out AllocError error) => allocator.TryAlloc(40 << 20, out p, out error));
    }

    [Fact]
    public void ForeignCache_is_told_for_a_cache_of_another_allocator()
    {
        using var allocator = new BitTreeAllocator();
        using var other = new BitTreeAllocator();
        var cache = other.CreateCache();
        Assert.False(allocator.TryAlloc(ref cache, 100, out var p, out var error));
        Assert.Equal(AllocError.ForeignCache, error);
        Assert.Equal((nuint)0, (nuint)p);
        Assert.ThrowsAny<InvalidOperationException>(() => Alloc(allocator, ref cache));
        cache.Dispose();

        static void Alloc(BitTreeAllocator allocator, ref ThreadCache cache) => allocator.Alloc(ref cache, 100);
    }

    [Fact]
    public void InvalidPointer_is_told_for_what_the_allocator_never_gave()
    {
        using var allocator = new BitTreeAllocator();
        using var other = new BitTreeAllocator();
        var local = 0L;
        var own = (byte*)allocator.Alloc(1000);
        var foreign = other.Alloc(1000);
        var foreignMedium = other.Alloc(1_000_000);
        var foreignRegion = other.Alloc(3_000_000);
        var region = (nuint)allocator.Alloc(3_000_000);
        foreach (var pointer in new[] { (nuint)(&local), (nuint)foreign, (nuint)foreignMedium, (nuint)foreignRegion, region + 4096, region + (2 << 20), region + (4 << 20), 8u, 4096u, nuint.MaxValue - 7 })
        {
            Assert.False(allocator.TryFree((void*)pointer, out var error));
            Assert.Equal(AllocError.InvalidPointer, error);
            Assert.ThrowsAny<InvalidOperationException>(() => allocator.Free((void*)pointer));
        }

        Assert.True(allocator.TryFree(own, out _));
        Assert.True(allocator.TryFree((void*)region, out _));
    }

    [Fact]
    public void DoubleFree_is_told_for_a_large_block_freed_twice()
    {
        using var allocator = new BitTreeAllocator();
        var p = allocator.Alloc(3_000_000);
        Assert.True(allocator.TryFree(p, out _));
        Assert.False(allocator.TryFree(p, out var error));
        Assert.Equal(AllocError.DoubleFree, error); // a region, in its cache's slot
        allocator.Trim();
        Assert.False(allocator.TryFree(p, out error));
        Assert.Equal(AllocError.DoubleFree, error); // and given back to the system
        p = allocator.Alloc(((nuint)64 << 30) + 1);
        Assert.True(allocator.TryFree(p, out _));
        Assert.False(allocator.TryFree(p, out error));
        Assert.True(error is AllocError.DoubleFree or AllocError.InvalidPointer, error.ToString());
    }

    private static void Refused(BitTreeAllocator allocator, AllocError expected, Request request)
    {
        var before = allocator.GetStatistics();
        Assert.False(request(out var p, out var error));
        Assert.Equal(expected, error);
        Assert.Equal((nuint)0, (nuint)p);
        var after = allocator.GetStatistics();
        Assert.Equal(before.LiveBytes, after.LiveBytes);
        Assert.Equal(before.DirectBytes, after.DirectBytes);
        Assert.Equal(before.ReservedBytes, after.ReservedBytes);
        Assert.Equal(before.CommittedBytes, after.CommittedBytes);

        // What caches hold may have gone home on the way to the refusal; what users hold is as before.
        Assert.Equal(before.Classes.Select(one => one.LiveSlots), after.Classes.Select(one => one.LiveSlots));
    }

    private delegate bool Request(out void* p, out AllocError error);
}
