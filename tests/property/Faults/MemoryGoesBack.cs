using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Faults;

/// <summary>What was taken from the system goes back to it, by trim and by dispose; addresses are used again.</summary>
public sealed unsafe class MemoryGoesBack(ITestOutputHelper output)
{
    private const nuint Floor = 2 << 20;

    [Theory]
    [InlineData(Profile.Balanced)]
    [InlineData(Profile.LowLatency)]
    [InlineData(Profile.Frugal)]
    public void After_everything_is_freed_and_one_trim_only_the_floor_is_resident(Profile profile)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var system = new SimulatedVirtualMemory(Residency.Logged);
        using (var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table, Profile = profile }))
        {
            var cache = allocator.CreateCache();
            var blocks = Fill(allocator, ref cache, 64 << 20, seed: 1);
            var peak = Residency.Bytes(system);
            foreach (var block in blocks)
                allocator.Free(ref cache, (void*)block);
            cache.Park();
            var result = allocator.Trim();
            var resident = Residency.Bytes(system);
            output.WriteLine($"{peak} bytes resident at the peak, {resident} after trim, which purged {result.PurgedBytes}");
            Assert.True(peak >= 48 << 20, $"only {peak} bytes were resident");
            Assert.True(resident <= Floor, $"{resident} bytes are still resident");
            var statistics = allocator.GetStatistics();
            Assert.Equal((nuint)0, statistics.LiveBytes);
            Assert.Equal((nuint)0, statistics.CachedBytes);
            cache.Dispose();
        }

        Assert.Empty(system.Violations);
        Assert.Equal(0ul, system.ReservedBytes);
    }

    // The checked level's own are the marks of 76 blocks: 2 KiB for each.
    [Theory]
    [InlineData(Level.Fast, 256)]
    [InlineData(Level.Checked, 256 + (76 * 2))]
    public void The_metadata_of_an_allocator_that_used_every_class_once_is_256_KiB_at_most(Level level, int kilobytes)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var system = new SimulatedVirtualMemory(Residency.Logged);
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table, Level = level });
        var cache = allocator.CreateCache();
        foreach (var size in Sizes.Classes.Select(size => (nuint)size))
            allocator.Free(ref cache, allocator.Alloc(ref cache, size), size);

        // No user page was touched: all that is resident is metadata.
        var resident = Residency.Bytes(system);
        output.WriteLine($"{resident} bytes of metadata are resident");
        Assert.InRange(resident, 1u, (nuint)kilobytes << 10);
        cache.Dispose();
    }

    [Fact]
    public void Cycles_of_filling_and_freeing_use_the_same_addresses_and_no_more_memory()
    {
        using var system = new SimulatedVirtualMemory();
        using (var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table }))
        {
            var cache = allocator.CreateCache();
            var (reserved, peak) = (0ul, 0ul);
            for (var cycle = 0; cycle < 12; cycle++)
            {
                foreach (var block in Fill(allocator, ref cache, 24 << 20, seed: 5))
                    allocator.Free(ref cache, (void*)block);
                if (cycle % 3 == 2)
                    allocator.Trim(ref cache);
                if (cycle == 2)
                    (reserved, peak) = (system.ReservedBytes, system.PeakBackedBytes);
            }

            // The system may place a mapping in another 4 GiB: then one more leaf of 512 KiB stands in the table of mappings.
            Assert.InRange(system.ReservedBytes, reserved, reserved + (4ul << 19));
            Assert.Equal(0ul, (system.ReservedBytes - reserved) % (1ul << 19));
            Assert.True(system.PeakBackedBytes <= peak + (3ul << 20), $"the peak grew from {peak} to {system.PeakBackedBytes} bytes over equal cycles");
            cache.Dispose();
        }

        Assert.Empty(system.Violations);
        Assert.Equal(0ul, system.ReservedBytes);
    }

    [Fact]
    public void Cycles_of_small_blocks_stay_within_the_addresses_of_the_first_ones()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var granules = new HashSet<nuint>();
        for (var cycle = 0; cycle < 12; cycle++)
        {
            var before = granules.Count;
            var blocks = Fill(allocator, ref cache, 16 << 20, seed: 9, mostSize: 65536);
            granules.UnionWith(blocks.Select(block => block / 65536));
            foreach (var block in blocks)
                allocator.Free(ref cache, (void*)block);
            if (cycle % 4 == 3)
                allocator.Trim(ref cache);
            Assert.True(cycle < 2 || granules.Count == before, $"cycle {cycle} used {granules.Count - before} new stretches of 64 KiB beside {before}");
        }

        cache.Dispose();
    }

    [Fact]
    public void With_purging_off_nothing_is_purged_until_trim()
    {
        using var system = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table, Purging = PurgeMode.Off });
        var cache = allocator.CreateCache();
        for (var cycle = 0; cycle < 3; cycle++)
            foreach (var block in Fill(allocator, ref cache, 24 << 20, seed: cycle))
                allocator.Free(ref cache, (void*)block);
        Assert.Equal(0, system.Calls(VmVerb.Purge));
        cache.Park();
        allocator.Trim();
        Assert.NotEqual(0, system.Calls(VmVerb.Purge));
        cache.Dispose();
    }

    [Fact]
    public void With_purging_off_a_repeated_phase_makes_no_OS_call()
    {
        using var system = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table, Purging = PurgeMode.Off });
        var cache = allocator.CreateCache();
        long calls = 0, counted = 0;
        for (var cycle = 0; cycle < 4; cycle++)
        {
            foreach (var block in Fill(allocator, ref cache, 16 << 20, seed: 3, mostSize: 65536))
                allocator.Free(ref cache, (void*)block);
            if (cycle == 1)
                (calls, counted) = (system.TotalCalls, allocator.GetStatistics().OsCalls);
        }

        Assert.Equal(calls, system.TotalCalls);
        Assert.Equal(counted, allocator.GetStatistics().OsCalls);
        cache.Dispose();
    }

    [Fact]
    public void At_the_capacity_limit_requests_fail_and_after_a_free_they_succeed_again()
    {
        using var system = new SimulatedVirtualMemory(new SimulatedVirtualMemoryOptions { CapacityBytes = 16 << 20 });
        using (var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table }))
        {
            var cache = allocator.CreateCache();
            for (var round = 0; round < 5; round++)
            {
                var live = new List<nuint>();
                var size = (nuint)(round == 3 ? 200_000 : 500 << round);
                void* p;
                AllocError error;
                while (allocator.TryAlloc(ref cache, size, out p, out error))
                    live.Add((nuint)p);
                Assert.Equal(AllocError.CommitRefused, error);
                Assert.True((nuint)live.Count * BitTreeAllocator.GoodSize(size) >= 11 << 20, $"round {round}: only {live.Count} blocks of {size} bytes of 16 MiB were served");
                foreach (var block in live)
                    allocator.Free(ref cache, (void*)block, size);
                Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
            }

            cache.Dispose();
        }

        Assert.Empty(system.Violations);
        Assert.Equal(0ul, system.ReservedBytes);
    }

    private static List<nuint> Fill(BitTreeAllocator allocator, ref ThreadCache cache, nuint bytes, int seed, int mostSize = 300_000)
    {
        var random = new Random(seed);
        var blocks = new List<nuint>();
        for (nuint done = 0; done < bytes;)
        {
            var size = (nuint)(random.Next(100) < 95 ? random.Next(1, 9000) : random.Next(1, mostSize));
            blocks.Add((nuint)allocator.Alloc(ref cache, size));
            System.Runtime.InteropServices.NativeMemory.Fill((void*)blocks[^1], size, 1);
            done += BitTreeAllocator.GoodSize(size);
        }

        return blocks;
    }
}
