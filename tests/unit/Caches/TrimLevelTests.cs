using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>What each level of a trim does and what it leaves, told by a simulated system; and within how many calls of its own a thread that goes on working follows.</summary>
public sealed unsafe class TrimLevelTests
{
    private const nuint SmallBlock = 16 << 10;
    private const nuint Block = 64 << 10;

    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void Caches_empties_caches_and_recyclers_and_calls_nobody(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table, CasWidth = width });
        using var other = new Sleeper();
        Action use = () =>
        {
            CacheProbe.Use(allocator, 100, 2000);
            CacheProbe.Use(allocator, 24, 2000);
            CacheProbe.Use(allocator, 5000, 100);
        };
        other.Do(use);
        use();
        var cache = allocator.CreateCache();
        for (var i = 0; i < 20; i++)
            allocator.Free(ref cache, allocator.Alloc(ref cache, 300));
        var before = allocator.GetStatistics();
        Assert.True(before.CachedBytes > 2 * 125 * 104 * 2, "no recycler was used");
        var calls = os.TotalCalls;
        var result = allocator.Trim(ref cache, TrimLevel.Caches);
        Assert.Equal(calls, os.TotalCalls);
        var after = allocator.GetStatistics();
        Assert.Equal((before.OsCalls, before.TouchedBytes, (nuint)0, (nuint)0), (after.OsCalls, after.TouchedBytes, after.CachedBytes, result.PurgedBytes));
        Assert.Equal(before.Classes.Sum(one => one.CachedSlots), result.FlushedSlots);
        other.Do(use);
        use();
        cache.Dispose();
    }

    [Fact]
    public void Blocks_purges_blocks_that_are_wholly_free_and_Pages_the_rest()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 100_000 });
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        var live = new List<nint>();
        var free = new List<nint>();
        var perBlock = new Dictionary<nint, int>();
        foreach (var size in new[] { 24, 512, 4096 })
        {
            // Slots of the first half of the blocks: one stays per four pages; the second half is wholly free.
            var count = (4 << 20) / size;
            for (var i = 0; i < count; i++)
            {
                var slot = (nint)allocator.Alloc((nuint)size);
                new Span<byte>((void*)slot, size).Fill((byte)(slot >> 3));
                if (i < count / 2 && perBlock.TryAdd(slot >> 14, size))
                    live.Add(slot);
                else
                    free.Add(slot);
            }
        }

        foreach (var slot in free)
            allocator.Free((void*)slot);
        os.ResetCounters();
        var touched = allocator.GetStatistics().TouchedBytes;
        var blocks = allocator.Trim(TrimLevel.Blocks);
        var purges = os.Log.Where(call => call.Verb == VmVerb.Purge).ToList();
        Assert.NotEmpty(purges);
        Assert.All(purges, call => Assert.True(call.Address % SmallBlock == 0 && call.Bytes % SmallBlock == 0, $"{call} is no run of whole blocks"));
        Assert.All(purges, call => Assert.DoesNotContain(live, slot => Whole((nuint)slot, perBlock[slot >> 14], call)));
        Assert.Equal(blocks.PurgedBytes, touched - allocator.GetStatistics().TouchedBytes);
        Assert.InRange((long)blocks.PurgedBytes, 1, purges.Sum(call => (long)call.Bytes)); // pages of a block that nobody touched are none that went back
        Assert.InRange(blocks.PurgedBytes, (nuint)4 << 20, (nuint)6 << 20);
        Assert.Equal((nuint)0, allocator.Trim(TrimLevel.Blocks).PurgedBytes);

        // Every slot that lives holds its page (two where it lies across), and nothing else stays.
        var pages = allocator.Trim(TrimLevel.Pages);
        Assert.True(pages.PurgedBytes > 3 << 20, $"{pages.PurgedBytes} bytes of pages");
        Assert.Equal(live.SelectMany(slot => Enumerable.Range(0, perBlock[slot >> 14]).Select(offset => (slot + offset) >> 12)).Distinct().Count() * 4096, (int)allocator.GetStatistics().TouchedBytes);
        Assert.Equal(new TrimResult(0, 0), allocator.Trim());
        foreach (var slot in live)
        {
            Assert.False(new Span<byte>((void*)slot, perBlock[slot >> 14]).ContainsAnyExcept((byte)(slot >> 3)));
            allocator.Free((void*)slot);
        }

        allocator.Trim(TrimLevel.Blocks);
        Assert.Equal((nuint)0, allocator.GetStatistics().TouchedBytes);
        Assert.Empty(os.Violations);

        // Blocks of up to 32-byte slots have 16 KiB, others 64 KiB: no call may reach into a block with a live slot.
        static bool Whole(nuint slot, int size, VmCall call)
        {
            var block = size <= 32 ? SmallBlock : Block;
            var start = slot & ~(block - 1);
            return call.Address < start + block && start < call.Address + call.Bytes;
        }
    }

    [Fact]
    public void Another_level_is_told_and_nothing_happens()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        CacheProbe.Use(allocator, 100, 100);
        var before = allocator.GetStatistics().CachedBytes;
        foreach (var bad in new[] { -1, 3, int.MaxValue })
        {
            var error = Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Trim((TrimLevel)bad));
            Assert.Equal(("level", (TrimLevel)bad), (error.ParamName, error.ActualValue));
            Assert.Throws<ArgumentOutOfRangeException>(() => WithCache(ref cache, (TrimLevel)bad));
        }

        Assert.Equal(before, allocator.GetStatistics().CachedBytes);
        cache.Dispose();

        void WithCache(ref ThreadCache cache, TrimLevel level) => allocator.Trim(ref cache, level);
    }

    [Fact]
    public void A_thread_that_goes_on_flushes_at_its_first_free_or_within_as_many_allocations_as_it_had_loaded_and_one()
    {
        Seeded.Run(40, random =>
        {
            using var allocator = new BitTreeAllocator();
            var cache = allocator.CreateCache();
            var kept = new List<nint>();
            for (var i = 0; i < 300; i++)
                kept.Add((nint)allocator.Alloc(ref cache, 100));
            var back = random.Next(1, 2 * CacheProbe.MagazineSlots(104));
            foreach (var size in new[] { 64, 3000 })
                allocator.Free(ref cache, allocator.Alloc(ref cache, (nuint)size), (nuint)size);
            for (var i = 0; i < back; i++)
                allocator.Free(ref cache, (void*)kept[^(i + 1)], 100);
            kept.RemoveRange(kept.Count - back, back);
            var trimmer = new Thread(() => allocator.Trim((TrimLevel)random.Next(3)));
            trimmer.Start();
            trimmer.Join();

            // Idle but for the hits: the other classes still hold what they had loaded.
            var loaded = CacheProbe.Class(allocator, 100).CachedSlots;
            Assert.InRange(loaded, 0, CacheProbe.MagazineSlots(104));
            Assert.True(CacheProbe.Class(allocator, 64).CachedSlots > 0);
            var operations = 0;
            if (random.Next(2) == 0)
            {
                allocator.Free(ref cache, (void*)kept[0], 100);
                kept[0] = 0;
                operations = 1;
            }
            else
            {
                do
                {
                    kept.Add((nint)allocator.Alloc(ref cache, 100));
                    operations++;
                }
                while (operations <= loaded);
            }

            Assert.Equal(0, CacheProbe.Class(allocator, 64).CachedSlots);
            Assert.Equal(0, CacheProbe.Class(allocator, 3000).CachedSlots);
            Assert.InRange(operations, 1, loaded + 1);
            foreach (var slot in kept)
                allocator.Free(ref cache, (void*)slot, 100);
            cache.Dispose();
        });
    }

    [Fact]
    public void Trims_of_all_levels_and_ticks_while_ambient_and_explicit_caches_work_lose_nothing()
    {
        using var allocator = new BitTreeAllocator();
        var working = 4;
        Threads.Run(6, number =>
        {
            if (number < 2)
            {
                for (var i = number; Volatile.Read(ref working) > 0; i++)
                {
                    if (number == 0)
                        allocator.Trim((TrimLevel)(i % 3));
                    else
                        allocator.Tick();
                    if (i % 8 == 0)
                        Thread.Yield();
                }

                return;
            }

            try
            {
                var cache = allocator.CreateCache();
                for (var round = 0; round < 60; round++)
                {
                    if (number % 2 == 0)
                        CacheProbe.Use(allocator, 16 + (round * 97 % 3000), 300);
                    else
                        UseExplicit(allocator, ref cache, 16 + (round * 97 % 3000));
                }

                cache.Dispose();
            }
            finally
            {
                Interlocked.Decrement(ref working);
            }
        });
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        allocator.Trim();
        Assert.Equal(((nuint)0, (nuint)0), (allocator.GetStatistics().CachedBytes, allocator.GetStatistics().TouchedBytes));
    }

    private static void UseExplicit(BitTreeAllocator allocator, ref ThreadCache cache, int size)
    {
        var slots = stackalloc nint[300];
        for (var i = 0; i < 300; i++)
        {
            slots[i] = (nint)allocator.Alloc(ref cache, (nuint)size);
            new Span<byte>((void*)slots[i], size).Fill((byte)i);
        }

        for (var i = 0; i < 300; i++)
        {
            if (new Span<byte>((void*)slots[i], size).ContainsAnyExcept((byte)i))
                throw new InvalidOperationException($"slot {i} of {size} bytes does not read as it was written");
            allocator.Free(ref cache, (void*)slots[i], (nuint)size);
        }
    }
}
