using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core.LargeMemory;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>E7: pages that go back at once, and pages that the system takes when it is short.</summary>
public sealed unsafe class LazyPurgeTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void At_once_resident_memory_falls_before_the_call_returns_and_counts_as_purged()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = Make(os, lazy: false);
        var regions = Fill(live, os);
        var resident = os.ResidentBytes;
        foreach (var region in regions)
            live.Allocator.Free(ref live.Cache, (void*)region);
        Assert.Equal(resident, os.ResidentBytes);
        var before = live.Figures;
        live.Allocator.Trim(ref live.Cache);
        var after = live.Figures;
        Assert.Equal(resident - (40ul * MiB), os.ResidentBytes);
        Assert.Equal((40ul * MiB, 0ul), (after.PurgedBytes - before.PurgedBytes, after.LazilyFreedBytes));
        Assert.Equal(((nuint)0, 0L), (after.FreeRegionBytes, os.Calls(VmVerb.PurgeLazily)));
        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lazily_freed_bytes_are_counted_apart_and_stay_resident_until_the_system_takes_them(bool atOnce)
    {
        using var os = new SimulatedVirtualMemory(new() { LazyPurgeTakesAtOnce = atOnce });
        using var live = Make(os, lazy: true);
        var regions = Fill(live, os);
        var resident = os.ResidentBytes;
        foreach (var region in regions)
            live.Allocator.Free(ref live.Cache, (void*)region);
        var before = live.Figures;
        live.Allocator.Trim(ref live.Cache);
        var after = live.Figures;
        Assert.Equal((0ul, 40ul * MiB), (after.PurgedBytes - before.PurgedBytes, after.LazilyFreedBytes));
        Assert.Equal(atOnce ? resident - (40ul * MiB) : resident, os.ResidentBytes);
        Assert.Equal((nuint)0, after.FreeRegionBytes);
        ChargeWalk.Check(live.Heap);

        // What is asked for zeroed is zero; what is not may show the last user's bytes, and does where the system took nothing.
        var plain = (byte*)live.Allocator.Alloc(ref live.Cache, 4 * MiB);
        Assert.Contains((nint)plain, regions);
        Assert.Equal(atOnce ? (byte)0 : (byte)0xA5, plain[MiB]);
        for (var i = 0; i < 3; i++)
            CheckZero((byte*)live.Allocator.AllocZeroed(ref live.Cache, 4 * MiB), 4 * MiB);
        Assert.Empty(os.Violations);
    }

    /// <summary>Pages above what the next user touched are stale still, whatever becomes of those below.</summary>
    [Theory]
    [InlineData(false, "purge")]
    [InlineData(false, "refused")]
    [InlineData(false, "move")]
    [InlineData(false, "lazily")]
    [InlineData(true, "purge")]
    [InlineData(true, "move")]
    public void A_region_that_was_freed_lazily_reads_as_zero_after_its_lower_part_was_purged(bool atOnce, string how)
    {
        using var os = new SimulatedVirtualMemory(new() { LazyPurgeTakesAtOnce = atOnce });
        using var live = Make(os, lazy: true);
        var region = (byte*)live.Allocator.Alloc(ref live.Cache, 16 * MiB);
        new Span<byte>(region, 16 * MiB).Fill(0xA5);
        live.Allocator.Free(ref live.Cache, region);
        live.Allocator.Trim(ref live.Cache);
        var lower = (byte*)live.Allocator.Alloc(ref live.Cache, (8 * MiB) + 1);
        Assert.Equal((nint)region, (nint)lower);
        switch (how)
        {
            case "move":
                // Longer than its region: its pages go, and it is clean.
                _ = live.Allocator.Alloc(ref live.Cache, 40 * MiB);
                lower = (byte*)live.Allocator.Realloc(ref live.Cache, lower, 24 * MiB);
                Assert.NotEqual((nint)region, (nint)lower);
                break;
            case "refused":
                os.FailAt(VmVerb.PurgeLazily, 1);
                goto default;
            case "purge":
                live.Allocator.Policy = live.Allocator.Policy with { LazyPurge = false };
                goto default;
            default:
                live.Allocator.Free(ref live.Cache, lower);
                live.Allocator.Trim(ref live.Cache);
                break;
        }

        Assert.Equal(RegionPhase.Clean, RegionProbe.WordOf(live.Heap, (nuint)region).Phase);
        ChargeWalk.Check(live.Heap);
        var zeroed = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 16 * MiB);
        Assert.Equal((nint)region, (nint)zeroed);
        CheckZero(zeroed, 16 * MiB);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Purged_at_once_a_region_that_was_freed_lazily_is_clean_throughout_and_its_next_user_writes_no_zeros()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = Make(os, lazy: true);
        var region = (byte*)live.Allocator.Alloc(ref live.Cache, 16 * MiB);
        os.Touch(region, 16 * MiB);
        live.Allocator.Free(ref live.Cache, region);
        live.Allocator.Trim(ref live.Cache);
        Assert.True(RegionProbe.WordOf(live.Heap, (nuint)region).IsStale);
        var resident = os.ResidentBytes;
        live.Allocator.Free(ref live.Cache, live.Allocator.Alloc(ref live.Cache, (8 * MiB) + 1));
        live.Allocator.Policy = live.Allocator.Policy with { LazyPurge = false };
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(("Clean in use 0 touched 0 committed 8", false, resident - (16ul * MiB)), (RegionProbe.WordOf(live.Heap, (nuint)region).ToString(), RegionProbe.WordOf(live.Heap, (nuint)region).IsStale, os.ResidentBytes));
    }

    /// <summary>Random lives under a policy that changes between the two, with lazy purges that fail: what is asked for zeroed is.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Zeroed_regions_are_zero_under_random_changes_of_the_policy(bool atOnce) => Seeded.Run(4, random =>
    {
        using var os = new SimulatedVirtualMemory(new() { LazyPurgeTakesAtOnce = atOnce });
        using var live = Make(os, lazy: true);
        os.FailEvery(VmVerb.PurgeLazily, random.Next(2, 6), VmStatus.NotSupported);
        var held = new List<(nuint Address, ulong Bytes)>();
        for (var step = 0; step < 300; step++)
        {
            switch (random.Next(8))
            {
                case 0:
                    live.Allocator.Policy = live.Allocator.Policy with { LazyPurge = random.Next(2) == 0, EagerReturn = random.Next(2) == 0 };
                    break;
                case 1:
                    live.Allocator.Trim(ref live.Cache);
                    break;
                case 2 or 3 when held.Count > 0:
                    var freed = random.Next(held.Count);
                    live.Allocator.Free(ref live.Cache, (void*)held[freed].Address);
                    held.RemoveAt(freed);
                    break;
                case 4 when held.Count > 0:
                    var at = random.Next(held.Count);
                    var longer = (ulong)random.Next(2 * MiB + 1, 40 * MiB);
                    var moved = (nuint)live.Allocator.Realloc(ref live.Cache, (void*)held[at].Address, (nuint)longer);
                    RegionProbe.Mark(moved, longer, 0x5A5A5A5A5A5A5A5A);
                    held[at] = (moved, longer);
                    break;
                default:
                    if (held.Count > 8)
                        break;
                    var bytes = (ulong)random.Next(2 * MiB + 1, 40 * MiB);
                    var address = (nuint)live.Allocator.AllocZeroed(ref live.Cache, (nuint)bytes);
                    CheckMarksZero(address, bytes);
                    RegionProbe.Mark(address, bytes, 0xA5A5A5A5A5A5A5A5);
                    for (ulong unit = 0; unit + 8 <= bytes; unit += 2 * MiB)
                        *(ulong*)(address + (nuint)unit) = ulong.MaxValue;
                    held.Add((address, bytes));
                    break;
            }
        }

        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    });

    [FactOnLinux]
    public void On_the_real_system_both_ways_are_told_apart_too()
    {
        foreach (var lazy in new[] { false, true })
        {
            using var live = new LiveSet(new() { Policy = MemoryPolicy.Of(Profile.Balanced) with { LazyPurge = lazy, HugePages = HugePages.Never }, UseContainerLimit = false });
            var region = (byte*)live.Allocator.Alloc(ref live.Cache, 8 * MiB);
            new Span<byte>(region, 8 * MiB).Fill(7);
            live.Allocator.Free(ref live.Cache, region);
            live.Allocator.Trim(ref live.Cache);
            var resident = Pages.ResidentBytes(region, 8 * MiB);
            Assert.Equal(lazy ? (nuint)(8 * MiB) : 0, live.Figures.LazilyFreedBytes);
            Assert.True(lazy || resident == 0, $"{resident} bytes are resident after a purge at once");
            CheckZero((byte*)live.Allocator.AllocZeroed(ref live.Cache, 8 * MiB), 8 * MiB);
        }
    }

    private static LiveSet Make(SimulatedVirtualMemory os, bool lazy) =>
        new(new() { VirtualMemory = os.Table, Purging = PurgeMode.Off, Policy = MemoryPolicy.Of(Profile.Balanced) with { LazyPurge = lazy, HugePages = HugePages.Never } });

    private static nint[] Fill(LiveSet live, SimulatedVirtualMemory os)
    {
        var regions = new nint[10];
        for (var i = 0; i < regions.Length; i++)
        {
            regions[i] = (nint)live.Allocator.Alloc(ref live.Cache, 4 * MiB);
            new Span<byte>((void*)regions[i], 4 * MiB).Fill(0xA5);
            os.Touch((void*)regions[i], 4 * MiB);
        }

        return regions;
    }

    private static void CheckZero(byte* address, int bytes)
    {
        var at = new Span<byte>(address, bytes).IndexOfAnyExcept((byte)0);
        Assert.True(at < 0, $"byte {at} of {bytes} is not zero");
    }

    private static void CheckMarksZero(nuint address, ulong bytes)
    {
        RegionProbe.CheckZero(address, bytes);
        for (ulong unit = 0; unit + 8 <= bytes; unit += 2 * MiB)
            Assert.Equal(0ul, *(ulong*)(address + (nuint)unit));
    }
}
