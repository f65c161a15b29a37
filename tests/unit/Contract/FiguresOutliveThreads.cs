using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>What threads counted stays counted when they end (FEATURES F2).</summary>
public sealed unsafe class FiguresOutliveThreads
{
    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Totals_are_the_same_before_and_after_the_threads_ended(CasWidth width)
    {
        const int Count = 8;
        using var allocator = new BitTreeAllocator(new() { CasWidth = width });
        var kept = new nint[Count];
        using var worked = new Barrier(Count + 1);
        using var end = new Barrier(Count + 1);
        var threads = Enumerable.Range(0, Count).Select(number => new Thread(() =>
        {
            var cache = allocator.CreateCache();
            var slots = new nint[3000];
            for (var round = 0; round < 3; round++)
            {
                for (var i = 0; i < slots.Length; i++)
                    slots[i] = (nint)allocator.Alloc(ref cache, (nuint)(40 + (number * 100)));
                foreach (var slot in slots)
                    allocator.Free(ref cache, (void*)slot, (nuint)(40 + (number * 100)));
            }

            kept[number] = (nint)allocator.Alloc(ref cache, 1000);
            cache.Park();
            worked.SignalAndWait();
            end.SignalAndWait();
            cache.Dispose();
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        worked.SignalAndWait();
        var before = allocator.GetStatistics();
        end.SignalAndWait();
        foreach (var thread in threads)
            thread.Join();
        var after = allocator.GetStatistics();
        Assert.Equal(Count, before.CacheCount);
        Assert.Equal(0, after.CacheCount);
        Assert.True(before.Refills > 100 && before.Flushes > 10 && before.SharedOperations > 1000, $"{before.Refills} refills, {before.Flushes} flushes, {before.SharedOperations} shared operations");
        Assert.Equal((before.Refills, before.Flushes, before.SharedOperations), (after.Refills, after.Flushes, after.SharedOperations));
        Assert.Equal((before.LiveBytes, before.CachedBytes, before.TouchedBytes, before.OsCalls), (after.LiveBytes, after.CachedBytes, after.TouchedBytes, after.OsCalls));
        Assert.Equal(before.Classes.Select(one => (one.Blocks, one.LiveSlots, one.CachedSlots)), after.Classes.Select(one => (one.Blocks, one.LiveSlots, one.CachedSlots)));

        // The control: the figures do move when somebody works.
        var again = allocator.CreateCache();
        foreach (var slot in kept)
            allocator.Free(ref again, (void*)slot, 1000);
        again.Dispose();
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        Assert.NotEqual(after.Flushes, allocator.GetStatistics().Flushes);
    }
}
