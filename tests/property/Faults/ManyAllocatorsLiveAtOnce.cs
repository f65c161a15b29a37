using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Faults;

public sealed unsafe class ManyAllocatorsLiveAtOnce
{
    [Fact]
    public void Three_hundred_allocators_serve_at_once_and_give_everything_back()
    {
        using var memory = new DenyingMemory();
        for (var round = 0; round < 2; round++)
        {
            var allocators = Enumerable.Range(0, 300).Select(_ => new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = memory.Table })).ToArray();
            var blocks = new nuint[allocators.Length];
            var live = new IntervalSet();
            for (var i = 0; i < allocators.Length; i++)
            {
                blocks[i] = (nuint)allocators[i].Alloc(1000);
                Assert.True(live.TryAdd(blocks[i], 1000, i, out var other), $"allocators {i} and {other} overlap");
                Content.Fill(blocks[i], 1000, (ulong)i);
            }

            for (var i = 0; i < allocators.Length; i++)
            {
                Assert.Equal(-1, Content.FirstDifference(blocks[i], 1000, (ulong)i, 1000));
                Assert.True(allocators[i].Owns((void*)blocks[i]));
                Assert.False(allocators[i].Owns((void*)blocks[(i + 1) % blocks.Length]));
                Assert.False(allocators[i].TryFree((void*)blocks[(i + 1) % blocks.Length], out var error));
                Assert.Equal(AllocError.InvalidPointer, error);
            }

            for (var i = 0; i < allocators.Length; i++)
            {
                allocators[i].Free((void*)blocks[i]);
                allocators[i].Dispose();
            }

            Assert.Empty(memory.Breaches());
        }
    }

    [Fact]
    public void A_thousand_allocators_one_after_the_other_leave_nothing()
    {
        using var memory = new DenyingMemory();
        for (var i = 0; i < 1000; i++)
        {
            using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = memory.Table });
            var cache = allocator.CreateCache();
            allocator.Alloc(ref cache, 100);
            allocator.Alloc(100_000);
        }

        Assert.Empty(memory.Breaches());
    }
}
