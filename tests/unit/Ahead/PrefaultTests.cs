using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Ahead;

/// <summary>PrefaultAsync: pages are there before they are touched, by the kernel's own word; contents stay; it can be cancelled.</summary>
public sealed unsafe class PrefaultTests
{
    private const int MiB = 1 << 20;

    [TheoryOnLinux]
    [InlineData(100, 20_000)]
    [InlineData(4000, 1000)]
    [InlineData(60_000, 100)]
    [InlineData(300_000, 30)]
    [InlineData(3 * MiB, 10)]
    [InlineData(40 * MiB, 3)]
    public void The_next_allocations_are_resident_before_they_are_touched(int size, int count)
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        Assert.InRange(Prefault(allocator, (nuint)size, count), count, long.MaxValue);
        for (var i = 0; i < count; i++)
        {
            var slot = (byte*)allocator.Alloc(ref cache, (nuint)size);
            CheckResident(slot, (nuint)size);
        }

        cache.Dispose();
    }

    [TheoryOnLinux]
    [InlineData(100, 5000)]
    [InlineData(60_000, 40)]
    [InlineData(300_000, 10)]
    [InlineData(3 * MiB, 1)]
    public void Also_where_a_cache_holds_them_untouched(int size, int count)
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var slots = new nint[count];
        for (var i = 0; i < count; i++)
            slots[i] = (nint)allocator.Alloc(ref cache, (nuint)size);
        foreach (var slot in slots)
            allocator.Free(ref cache, (void*)slot);
        Prefault(allocator, (nuint)size, count);
        for (var i = 0; i < count; i++)
            CheckResident(allocator.Alloc(ref cache, (nuint)size), (nuint)size);
        cache.Dispose();
    }

    [TheoryOnLinux]
    [InlineData(4000)]
    [InlineData(1_000_000)]
    [InlineData(3 * MiB)]
    public void Without_it_they_are_not(int size)
    {
        using var allocator = new BitTreeAllocator();
        allocator.Reserve((nuint)size, 10);
        var slot = allocator.Alloc((nuint)size);
        Assert.Equal((nuint)0, Pages.ResidentBytes((void*)((nuint)slot & ~(nuint)4095), 4096));
        allocator.Free(slot);
    }

    [Fact]
    public void Zeroed_allocations_are_zero_also_where_earlier_users_wrote()
    {
        using var live = new LiveSet(new());
        foreach (var size in new[] { 5000, 300_000, 3 * MiB, 9 * MiB })
        {
            live.AllocMany(4, size);
            live.FreeAll();
            Prefault(live.Allocator, (nuint)size, 8);
            for (var i = 0; i < 8; i++)
            {
                var slot = (byte*)live.Allocator.AllocZeroed(ref live.Cache, (nuint)size);
                Assert.False(new Span<byte>(slot, size).ContainsAnyExcept((byte)0));
                live.Adopt(slot, size);
            }

            live.FreeAll();
        }

        ChargeWalk.Check(live.Heap);
    }

    [FactOnLinux]
    public void Live_memory_keeps_its_contents_and_gets_its_pages()
    {
        using var live = new LiveSet(new());
        foreach (var size in new[] { 100, 60_000, 1_000_000, 50 * MiB })
            Assert.True(Prefault(live.Allocator, live.Alloc(size), (nuint)size));
        var bare = (byte*)live.Allocator.Alloc(ref live.Cache, 100 * MiB);
        bare[50 * MiB] = 5;
        Assert.True(Prefault(live.Allocator, bare + 3, 100 * MiB - 3));
        CheckResident(bare, 100 * MiB);
        Assert.Equal((0, 5), (bare[0], bare[50 * MiB]));
        Assert.True(Prefault(live.Allocator, bare, 0));
        live.Allocator.Free(ref live.Cache, bare);
        live.CheckAll();
    }

    [Fact]
    public void It_is_cancelled_before_and_on_the_way_and_what_was_done_stays()
    {
        using var live = new LiveSet(new());
        using var gone = new CancellationTokenSource();
        gone.Cancel();
        Assert.True(Run(live.Allocator.PrefaultAsync(3 * MiB, 10, gone.Token)).IsCanceled);
        live.AllocMany(1, 3 * MiB);
        Assert.True(Run(live.Allocator.PrefaultAsync((void*)live.Live[0].Address, 3 * MiB, gone.Token)).IsCanceled);

        // A gigabyte goes in 32 steps, and any of them may be the last.
        using var soon = new CancellationTokenSource();
        var task = live.Allocator.PrefaultAsync(64 * MiB, 16, soon.Token);
        SpinWait.SpinUntil(() => task.IsCompleted || live.Figures.FreeRegionBytes >= 64 * MiB, TimeSpan.FromMinutes(1));
        soon.Cancel();
        var isCanceled = Run(task).IsCanceled;
        var bytes = (ulong)live.Figures.FreeRegionBytes;
        Assert.True(isCanceled ? bytes is >= 64ul * MiB and < 1024ul * MiB : bytes == 1024ul * MiB, $"cancelled: {isCanceled}, {bytes} bytes are there");
        ChargeWalk.Check(live.Heap);
        live.CheckAll();
    }

    [Fact]
    public void Numbers_out_of_range_are_told_at_once()
    {
        var allocator = new BitTreeAllocator();
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = allocator.PrefaultAsync(100, -1); });
        allocator.Dispose();
        Assert.IsType<ObjectDisposedException>(Run(allocator.PrefaultAsync(100, 1)).Exception?.InnerException);
        Assert.Throws<ObjectDisposedException>(() => { _ = allocator.PrefaultAsync(null, 1); });
    }

    internal static long Prefault(BitTreeAllocator allocator, nuint size, long count) => allocator.PrefaultAsync(size, count).GetAwaiter().GetResult();

    internal static bool Prefault(BitTreeAllocator allocator, void* pointer, nuint bytes) => allocator.PrefaultAsync(pointer, bytes).GetAwaiter().GetResult();

    private static Task Run(Task task)
    {
        Task.WaitAny(task);
        return task;
    }

    private static void CheckResident(void* address, nuint bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        var first = (nuint)address & ~(page - 1);
        var length = (((nuint)address + bytes + page - 1) & ~(page - 1)) - first;
        Assert.Equal(length, Pages.ResidentBytes((void*)first, length));
    }
}
