using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>Zeroed means zero, whatever path the memory took.</summary>
public sealed unsafe class ZeroedMemory
{
    [Fact]
    public void Fresh_cached_parked_and_trimmed_memory_is_zero()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var other = allocator.CreateCache();
        foreach (var size in new nuint[] { 1, 8, 24, 100, 512, 3000, 8192, 30_000, 65_536, 65_537, 1 << 20 })
            for (var round = 0; round < 6; round++)
            {
                var count = Math.Max(3, Math.Min(1000, 2_000_000 / (int)size));
                var blocks = new nuint[count];
                for (var i = 0; i < count; i++)
                {
                    blocks[i] = (nuint)allocator.AllocZeroed(ref cache, size);
                    var bytes = new Span<byte>((void*)blocks[i], (int)size);
                    if (bytes.IndexOfAnyExcept((byte)0) >= 0)
                        Assert.Fail($"round {round}: a block of {size} bytes is not zero");
                    bytes.Fill(0xFF);
                }

                for (var i = 0; i < count; i++)
                    if (i % 2 == 0)
                        allocator.Free(ref cache, (void*)blocks[i], size);
                    else
                        allocator.Free(ref other, (void*)blocks[i]);
                if (round == 2)
                    cache.Park();
                if (round == 3)
                    allocator.Trim(ref cache);
                if (round == 4)
                    other.Park();
            }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        cache.Dispose();
        other.Dispose();
    }

    [Fact]
    public void Memory_whose_purge_failed_is_zero_all_the_same()
    {
        using var system = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table });
        system.FailEvery(VmVerb.Purge, 2, VmStatus.NotSupported);
        var cache = allocator.CreateCache();
        for (var round = 0; round < 4; round++)
        {
            var blocks = new nuint[500];
            for (var i = 0; i < blocks.Length; i++)
            {
                blocks[i] = (nuint)allocator.AllocZeroed(ref cache, 4096);
                Assert.Equal(-1, new Span<byte>((void*)blocks[i], 4096).IndexOfAnyExcept((byte)0));
                new Span<byte>((void*)blocks[i], 4096).Fill(0xEE);
            }

            foreach (var block in blocks)
                allocator.Free(ref cache, (void*)block, 4096);
            allocator.Trim(ref cache);
        }

        cache.Dispose();
    }
}
