using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Free pages inside blocks with a few slots in use go back on the real system, several blocks by one call where there is one, and what is in use keeps its contents.</summary>
public sealed unsafe class InsidePurgeTests
{
    [Theory]
    [InlineData(64, 1021)]
    [InlineData(1024, 61)]
    [InlineData(6000, 7)]
    public void A_trim_after_a_flood_leaves_the_few_slots_in_use_as_they_are(int size, int every)
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var count = (48 << 20) / size;
        var slots = new nint[count];
        for (var i = 0; i < count; i++)
        {
            slots[i] = (nint)allocator.Alloc(ref cache, (nuint)size);
            new Span<byte>((void*)slots[i], size).Fill((byte)(i % 251));
        }

        for (var i = 0; i < count; i++)
        {
            if (i % every != 0)
                allocator.Free(ref cache, (void*)slots[i], (nuint)size);
        }

        var before = allocator.GetStatistics();
        var trimmed = allocator.Trim(ref cache);
        var after = allocator.GetStatistics();
        Assert.True(trimmed.PurgedBytes > 36u << 20, $"{trimmed.PurgedBytes} bytes went back");
        Assert.Equal((long)(before.TouchedBytes - after.TouchedBytes), (long)trimmed.PurgedBytes);

        // 768 blocks hold a slot each. One call for up to 16 of them, or two each where a slot lies in the middle.
        var calls = after.OsCalls - before.OsCalls;
        if (HasOneCall())
            Assert.InRange(calls, 1, 200);
        for (var i = 0; i < count; i += every)
        {
            Assert.False(new Span<byte>((void*)slots[i], size).ContainsAnyExcept((byte)(i % 251)));
            allocator.Free(ref cache, (void*)slots[i], (nuint)size);
        }

        cache.Dispose();
        allocator.Trim();
        Assert.Equal((0, 0), ((long)allocator.GetStatistics().LiveBytes, (long)allocator.GetStatistics().TouchedBytes));
    }

    private static bool HasOneCall()
    {
        var os = SystemVirtualMemory.Table;
        void* address;
        Assert.Equal(VmStatus.Ok, os.Reserve(os.PageSize(), os.PageSize(), &address));
        Assert.Equal(VmStatus.Ok, os.Commit(address, os.PageSize()));
        var range = new VmRange((nuint)address, os.PageSize());
        var has = os.PurgeRanges(&range, 1) == VmStatus.Ok;
        Assert.Equal(VmStatus.Ok, os.Release(address, os.PageSize()));
        return has;
    }
}
