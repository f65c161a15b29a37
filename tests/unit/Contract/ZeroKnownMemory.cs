using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>What is taken to be zero is zero, on each path that memory can have come (FEATURES A8); and what is known to be zero is not written.</summary>
public sealed unsafe class ZeroKnownMemory
{
    private const int Count = 64;

    public static TheoryData<string, int> Paths
    {
        get
        {
            var paths = new TheoryData<string, int>();
            foreach (var path in new[] { "fresh", "cache", "recycler", "partly used block", "empty block of another class", "purged block", "purged pages of a block in use", "purge that lost its commit", "purge that failed" })
            {
                foreach (var size in new[] { 100, 4096, 5000, 9000, 30_000, 65_536, 100_000 })
                    paths.Add(path, size);
            }

            return paths;
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Zeroed_memory_is_zero_on_every_path(string path, int size)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        var dirty = path == "empty block of another class" ? 3000 : size;
        if (path != "fresh")
        {
            live.AllocMany(4 * Count, dirty); // every byte is written
            live.FreeWhere(i => path is not ("partly used block" or "purged pages of a block in use") || i % 4 != 0);
        }

        switch (path)
        {
            case "recycler" or "fresh" or "cache":
                break;
            case "purged block" or "purged pages of a block in use":
                live.Allocator.Trim(ref live.Cache);
                break;
            case "purge that lost its commit":
                os.FailEvery(VmVerb.Purge, 2, VmStatus.CommitRefused);
                live.Allocator.Trim(ref live.Cache);
                break;
            case "purge that failed":
                os.FailEvery(VmVerb.Purge, 2, VmStatus.NotSupported);
                live.Allocator.Trim(ref live.Cache);
                break;
            default:
                live.Cache.Park();
                break;
        }

        os.ClearFaults();
        var cache = live.Allocator.CreateCache(); // with an empty one the memory comes from recycler and blocks
        for (var i = 0; i < 3 * Count; i++)
        {
            ref var from = ref (path != "cache" && i % 2 == 0 ? ref cache : ref live.Cache);
            var address = (byte*)live.Allocator.AllocZeroed(ref from, (nuint)size);
            var usable = (int)live.Allocator.UsableSize(address);
            if (new Span<byte>(address, usable).ContainsAnyExcept((byte)0))
                Assert.Fail($"{path}: allocation {i} of {size} bytes is not zero in all its {usable}");
            live.Adopt(address, size);
        }

        live.CheckAll();
        live.FreeAll();
        cache.Dispose();
        Assert.Empty(os.Violations);
    }

    [FactOnLinux]
    public void Clean_blocks_are_handed_out_without_a_page_written_and_used_ones_are_cleared()
    {
        using var live = new LiveSet(new() { Purging = PurgeMode.Off });
        var first = Enumerable.Range(0, Count).Select(_ => (nint)live.Allocator.AllocZeroed(ref live.Cache, 30_000)).ToArray();
        Assert.Equal((nuint)0, Resident(first));
        foreach (var slot in first)
            new Span<byte>((void*)slot, 30_000).Fill(1);
        foreach (var slot in first)
            live.Allocator.Free(ref live.Cache, (void*)slot, 30_000);
        var second = Enumerable.Range(0, Count).Select(_ => (nint)live.Allocator.AllocZeroed(ref live.Cache, 30_000)).ToArray();
        Assert.NotEqual((nuint)0, Resident(second));
        foreach (var slot in second)
            live.Allocator.Free(ref live.Cache, (void*)slot, 30_000);
        live.Allocator.Trim(ref live.Cache);
        var third = Enumerable.Range(0, Count).Select(_ => (nint)live.Allocator.AllocZeroed(ref live.Cache, 30_000)).ToArray();
        Assert.Equal((nuint)0, Resident(third));
    }

    private static nuint Resident(nint[] slots)
    {
        var sum = (nuint)0;
        foreach (var slot in slots)
            sum += Pages.ResidentBytes((void*)((slot + 4095) & ~4095), 24_576);
        return sum;
    }
}
