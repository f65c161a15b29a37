using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Requests above 64 KiB: one registered mapping each.</summary>
public sealed unsafe class DirectMappingTests
{
    [Fact]
    public void A_mapping_is_known_while_it_lives_and_no_longer()
    {
        using var heap = new HeapUnderTest();
        var address = Alloc(heap, 100_000, 1);
        Assert.Equal(0ul, address % (64 << 10));
        Assert.Equal(131_072ul, DirectMappings<HardwareAtomics>.SizeOf(heap.Heap, address));
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.SizeOf(heap.Heap, address + 1));
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.SizeOf(heap.Heap, address + 65_536));
        Assert.Equal(131_072ul, heap.Heap->DirectBytesLine.Value);
        *(ulong*)(address + 131_064) = 1;
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.SizeOf(heap.Heap, address));
        Assert.Equal(0ul, heap.Heap->DirectBytesLine.Value + heap.Heap->DirectCountLine.Value);
        Assert.Equal(Outcome.InvalidPointer, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
    }

    [Theory]
    [InlineData(65_537, 65_536)]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData(100, 1 << 22)]
    public void A_mapping_starts_at_a_multiple_of_its_alignment(ulong size, ulong alignment)
    {
        using var heap = new HeapUnderTest();
        var address = Alloc(heap, size, alignment);
        Assert.Equal(0ul, address % alignment);
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
    }

    [Fact]
    public void Foreign_and_interior_pointers_are_refused()
    {
        using var heap = new HeapUnderTest();
        var address = Alloc(heap, 200_000, 1);
        foreach (var wrong in new[] { 0ul, 65_536ul, address + 1, address + 65_536, ulong.MaxValue & ~0xFFFFul, 1ul << 47 })
            Assert.Equal(Outcome.InvalidPointer, DirectMappings<HardwareAtomics>.Free(heap.Heap, wrong));
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
    }

    [Fact]
    public void Of_two_frees_in_each_others_middle_one_wins_and_one_is_told()
    {
        using var heap = new HeapUnderTest();
        var address = Alloc(heap, 100_000, 1);
        var inner = Outcome.WrongSize;
        var outer = Outcome.WrongSize;
        HookedAtomics.With(
            site => inner = site == Site.DirectUnregister && inner == Outcome.WrongSize ? DirectMappings<HookedAtomics>.Free(heap.Heap, address) : inner,
            () => outer = DirectMappings<HookedAtomics>.Free(heap.Heap, address));
        Assert.Equal((Outcome.Ok, Outcome.InvalidPointer), (inner, outer));
        Assert.Equal(1, heap.Os.Calls(VmVerb.Release));
        Assert.Empty(heap.Os.Violations);
    }

    [Fact]
    public void Racing_frees_release_every_mapping_once()
    {
        using var heap = new HeapUnderTest(new());
        var addresses = Enumerable.Range(0, 200).Select(_ => Alloc(heap, 70_000, 1)).ToArray();
        var pointer = (nint)heap.Heap;
        var wins = 0;
        Threads.Run(3, _ =>
        {
            foreach (var address in addresses)
                if (DirectMappings<HardwareAtomics>.Free((Heap*)pointer, address) == Outcome.Ok)
                    Interlocked.Increment(ref wins);
        });
        Assert.Equal(200, wins);
        Assert.Equal(200, heap.Os.Calls(VmVerb.Release));
        Assert.Empty(heap.Os.Violations);
    }

    [Fact]
    public void A_refused_call_leaves_nothing_behind()
    {
        for (var k = 1; k <= 4; k++)
        {
            // Calls: reserve and commit of the mapping, reserve and commit of the table's leaf.
            using var heap = new HeapUnderTest();
            heap.Os.FailAt(null, k);
            Assert.Equal(0ul, DirectMappings<HardwareAtomics>.Alloc(heap.Heap, 100_000, 1, out var outcome));
            Assert.Equal(k % 2 == 1 ? Outcome.AddressSpaceExhausted : Outcome.CommitRefused, outcome);
            Assert.Equal(0ul, heap.Os.ReservedBytes);
            Assert.Equal(0ul, heap.Heap->DirectBytesLine.Value + heap.Heap->DirectCountLine.Value);
            Assert.Empty(heap.Os.Violations);
        }
    }

    [Fact]
    public void A_release_that_fails_for_want_of_mappings_gives_the_memory_back_all_the_same()
    {
        using var heap = new HeapUnderTest();
        var address = Alloc(heap, 100_000, 1);
        heap.Os.FailAt(VmVerb.Release, 1);
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
        Assert.Equal(1, heap.Os.Calls(VmVerb.Purge));
        Assert.Equal(512ul << 10, heap.Os.BackedBytes); // the table's leaf
        Assert.Equal(Outcome.DoubleFree, DirectMappings<HardwareAtomics>.Free(heap.Heap, address));
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.SizeOf(heap.Heap, address));
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.Find(heap.Heap, address, out _));
    }

    [Fact]
    public void A_mapping_that_can_be_neither_committed_nor_released_goes_with_the_heap()
    {
        using var heap = new HeapUnderTest();
        Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(heap.Heap, Alloc(heap, 100_000, 1)));
        var before = heap.Os.ReservedBytes;
        heap.Os.FailAt(VmVerb.Commit, 1);
        heap.Os.FailAt(VmVerb.Release, 1);
        Assert.Equal(0ul, DirectMappings<HardwareAtomics>.Alloc(heap.Heap, 100_000, 1, out var outcome));
        Assert.Equal(Outcome.CommitRefused, outcome);
        Assert.Equal(before + (128 << 10), heap.Os.ReservedBytes);
        Assert.Equal(0, DirectMappings<HardwareAtomics>.ReleaseAll(heap.Heap) + LostRanges<HardwareAtomics>.Repeat(heap.Heap));
        Assert.Equal(0ul, heap.Os.ReservedBytes);
    }

    private static ulong Alloc(HeapUnderTest heap, ulong size, ulong alignment)
    {
        var address = DirectMappings<HardwareAtomics>.Alloc(heap.Heap, size, alignment, out var outcome);
        Assert.Equal(Outcome.Ok, outcome);
        return address;
    }
}
