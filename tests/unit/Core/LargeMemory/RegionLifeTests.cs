using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>C13, E3, E5 and what a region costs: others' slots serve, dirty before clean, zero-known, eager return, commit and charge of what was asked for.</summary>
public sealed unsafe class RegionLifeTests
{
    private const int MiB = 1 << 20;
    private static readonly int[] s_sizes = [3 * MiB, 5 * MiB, 12 * MiB, 30 * MiB, 60 * MiB];

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Regions_in_the_slots_of_a_thread_that_sleeps_serve_another_without_a_call_to_the_system(bool frees, bool ambient)
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 1000 });
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        var kept = new nuint[s_sizes.Length];
        using var wake = new ManualResetEventSlim();
        using var asleep = new ManualResetEventSlim();
        var sleeper = new Thread(() =>
        {
            ThreadCache own = default;
            for (var i = 0; i < kept.Length; i++)
                kept[i] = (nuint)(ambient ? allocator.Alloc((nuint)s_sizes[i]) : allocator.Alloc(ref own, (nuint)s_sizes[i]));
            foreach (var address in frees ? kept : [])
            {
                if (ambient)
                    allocator.Free((void*)address);
                else
                    allocator.Free(ref own, (void*)address);
            }

            asleep.Set();
            wake.Wait();
            if (!ambient)
                own.Dispose();
        }) { IsBackground = true };
        sleeper.Start();
        asleep.Wait();
        using (var live = new LiveSet(allocator, owns: false))
        {
            os.ResetCounters();
            var calls = live.Figures.OsCalls;
            var got = s_sizes.Select(size => (nuint)live.Allocator.Alloc(ref live.Cache, (nuint)size)).ToArray();
            if (frees)
            {
                Assert.Equal(kept.Order(), got.Order());
                Assert.Equal((calls, 0), (live.Figures.OsCalls, os.TotalCalls));
                Assert.Empty(os.Log);
            }
            else
            {
                // The control: what the sleeper has in use has to come from the system.
                Assert.Empty(kept.Intersect(got));
                Assert.True(live.Figures.OsCalls > calls && os.Log.Count > 0);
            }

            foreach (var address in got)
                live.Allocator.Free(ref live.Cache, (void*)address);
        }

        wake.Set();
        sleeper.Join();
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Dirty_regions_come_before_clean_ones_though_those_lie_lower()
    {
        using var live = new LiveSet(new() { Purging = PurgeMode.Off });
        var all = Enumerable.Range(0, 6).Select(_ => RegionProbe.Alloc(live, 3 * MiB)).ToArray();
        Assert.Equal(all.Order(), all);
        foreach (var address in all[..3])
            RegionProbe.Free(live, address);
        live.Allocator.Trim();
        foreach (var address in all[3..])
            RegionProbe.Free(live, address);
        Assert.Equal([RegionPhase.Clean, RegionPhase.Clean, RegionPhase.Clean, RegionPhase.Dirty, RegionPhase.Dirty, RegionPhase.InUse], all.Select(one => RegionProbe.WordOf(live.Heap, one).Phase));
        Assert.Equal([all[5]], all.Where(one => RegionProbe.IsIdle(live.Heap, one)));

        // The cache's own, then what is on offer, lowest first, then the clean ones, lowest first: no fresh one before all are used.
        Assert.Equal([all[5], all[3], all[4], all[0], all[1], all[2]], Enumerable.Range(0, 6).Select(_ => RegionProbe.Alloc(live, 3 * MiB)));
        Assert.DoesNotContain(RegionProbe.Alloc(live, 3 * MiB), all);
    }

    [FactOnLinux]
    public void A_zeroed_request_writes_nothing_of_a_clean_region_and_of_a_dirty_one_only_what_was_touched()
    {
        using var live = new LiveSet(new() { Purging = PurgeMode.Off });
        var fresh = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 8 * MiB);
        Assert.Equal((nuint)0, Pages.ResidentBytes(fresh, 8 * MiB));
        Assert.False(new Span<byte>(fresh, 8 * MiB).ContainsAnyExcept((byte)0));
        live.Allocator.Free(ref live.Cache, fresh);
        live.Allocator.Trim();

        // Purged: clean again, and not written.
        var clean = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 5 * MiB);
        Assert.Equal((nint)fresh, (nint)clean);
        Assert.Equal((nuint)0, Pages.ResidentBytes(clean, 8 * MiB));
        new Span<byte>(clean, 6 * MiB).Fill(0xEE);
        live.Allocator.Free(ref live.Cache, clean);

        // The control: what is not asked for zeroed shows the last user's bytes.
        var dirty = (byte*)live.Allocator.Alloc(ref live.Cache, 8 * MiB);
        Assert.Equal(((nint)fresh, (byte)0xEE), ((nint)dirty, dirty[100]));
        dirty = (byte*)live.Allocator.Realloc(ref live.Cache, dirty, 5 * MiB);
        live.Allocator.Free(ref live.Cache, dirty);
        live.Allocator.Trim();
        clean = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 5 * MiB);
        new Span<byte>(clean, 6 * MiB).Fill(0xEE);
        live.Allocator.Free(ref live.Cache, clean);
        dirty = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 8 * MiB);
        Assert.Equal((nint)fresh, (nint)dirty);
        Assert.Equal((nuint)(6 * MiB), Pages.ResidentBytes(dirty, 6 * MiB));
        Assert.Equal((nuint)0, Pages.ResidentBytes(dirty + (6 * MiB), 2 * MiB));
        Assert.Equal((nuint)(8 * MiB), live.Allocator.UsableSize(dirty));
        Assert.False(new Span<byte>(dirty, 8 * MiB).ContainsAnyExcept((byte)0));
        live.Allocator.Free(ref live.Cache, dirty);
    }

    [FactOnLinux]
    public void Eager_return_gives_the_older_region_back_before_the_free_returns() => FreeTwo(eager: 1);

    [FactOnLinux]
    public void Control_without_it_the_older_region_stays_resident_on_offer() => FreeTwo(eager: 0);

    private static void FreeTwo(ulong eager)
    {
        using var live = new LiveSet(new() { Purging = PurgeMode.Off });
        live.Heap->Policy.EagerReturn = eager;
        var first = live.Alloc(32 * MiB);
        var second = live.Alloc(32 * MiB);
        live.Allocator.Free(ref live.Cache, first);
        Assert.Equal((nuint)(32 * MiB), Pages.ResidentBytes(first, 32 * MiB)); // in the slot
        var charged = live.Figures.ChargedBytes;
        live.Allocator.Free(ref live.Cache, second);
        var word = RegionProbe.WordOf(live.Heap, (nuint)first);
        Assert.Equal((nuint)(32 * MiB), Pages.ResidentBytes(second, 32 * MiB));
        Assert.Equal(eager == 1 ? ((nuint)0, RegionPhase.Clean, 0ul) : ((nuint)(32 * MiB), RegionPhase.Dirty, 16ul), (Pages.ResidentBytes(first, 32 * MiB), word.Phase, word.Touched));
        Assert.Equal(eager == 1 ? charged - (32 * MiB) : charged, live.Figures.ChargedBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void A_request_of_33_MiB_commits_and_is_charged_34()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 1000 });
        using var live = LiveSet.Over(os);
        RegionProbe.Alloc(live, 3 * MiB); // addresses and their metadata
        RegionProbe.Alloc(live, 64 * MiB);
        os.ResetCounters();
        var before = live.Figures;
        var p = RegionProbe.Alloc(live, 33 * MiB);
        var commit = Assert.Single(os.Log, call => call.Verb == VmVerb.Commit && call.Address == p);
        Assert.Equal((nuint)(34 * MiB), commit.Bytes);
        Assert.Equal((nuint)(34 * MiB), live.Allocator.UsableSize((void*)p));
        var after = live.Figures;
        Assert.Equal((nuint)(34 * MiB), after.ChargedBytes - after.MetadataBytes - (before.ChargedBytes - before.MetadataBytes));
        Assert.Equal((nuint)(34 * MiB), after.CommittedBytes - after.MetadataBytes - (before.CommittedBytes - before.MetadataBytes));
        os.ResetCounters();

        // Longer where it is: what is new, and no more.
        Assert.Equal(p, (nuint)live.Allocator.Realloc(ref live.Cache, (void*)p, 39 * MiB));
        commit = Assert.Single(os.Log);
        Assert.Equal((VmVerb.Commit, p + (34 * MiB), (nuint)(6 * MiB)), (commit.Verb, commit.Address, commit.Bytes));
        Assert.Equal((nuint)(40 * MiB), live.Figures.ChargedBytes - live.Figures.MetadataBytes - (before.ChargedBytes - before.MetadataBytes));
        Assert.Equal(os.CommittedBytes, (ulong)live.Figures.CommittedBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void At_every_step_of_a_random_run_the_charge_is_what_the_words_say_and_contents_hold() => Seeded.Run(3, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, reserve: 16 * MiB);
        using var other = new LiveSet(live.Allocator, owns: false);
        live.Heap->Policy.EagerReturn = (ulong)random.Next(2);
        live.Heap->Policy.GrowthDampener = (ulong)random.Next(4);
        var regions = new List<(nuint Address, ulong Size, ulong Seed)>();
        for (var step = 0; step < 600; step++)
        {
            ref var cache = ref (random.Next(3) == 0 ? ref other.Cache : ref live.Cache);
            switch (random.Next(20))
            {
                case < 9 when regions.Count < 40:
                    var size = Size(random);
                    var seed = (ulong)random.NextInt64();
                    var isZeroed = size < 64 * MiB && random.Next(4) == 0;
                    var p = (nuint)(isZeroed ? live.Allocator.AllocZeroed(ref cache, (nuint)size) : live.Allocator.Alloc(ref cache, (nuint)size));
                    if (isZeroed)
                        RegionProbe.CheckZero(p, size);
                    RegionProbe.Mark(p, size, seed);
                    regions.Add((p, size, seed));
                    break;
                case < 15 when regions.Count > 0:
                    var at = random.Next(regions.Count);
                    RegionProbe.Check(regions[at].Address, regions[at].Size, regions[at].Seed);
                    live.Allocator.Free(ref cache, (void*)regions[at].Address);
                    regions.RemoveAt(at);
                    break;
                case < 18 when regions.Count > 0:
                    at = random.Next(regions.Count);
                    var (old, oldSize, oldSeed) = regions[at];
                    var changed = oldSize > 64 * MiB ? oldSize - (oldSize / 8) : Size(random) / 4;
                    changed = Math.Max(changed, (2 * MiB) + 1);
                    p = (nuint)live.Allocator.Realloc(ref cache, (void*)old, (nuint)changed);
                    RegionProbe.Check(p, oldSize, oldSeed, Math.Min(oldSize - (oldSize % 8 == 0 ? 0ul : 1), changed));
                    RegionProbe.Mark(p, changed, oldSeed);
                    regions[at] = (p, changed, oldSeed);
                    break;
                case 18:
                    live.Allocator.Trim((TrimLevel)random.Next(3));
                    break;
                default:
                    live.Allocator.Tick();
                    break;
            }

            ChargeWalk.Check(live.Heap);
            var figures = live.Figures;
            Assert.Equal((regions.Count, regions.Aggregate(0ul, (sum, one) => sum + (RegionClasses.UnitsOf(one.Size) << 21))), ((int)figures.RegionCount, (ulong)figures.RegionBytes));
            Assert.Equal(os.CommittedBytes, (ulong)figures.CommittedBytes);
            Assert.Equal(os.ReservedBytes, (ulong)figures.ReservedBytes);
            Assert.Equal(regions.Count, regions.Select(one => one.Address).Distinct().Count());
        }

        foreach (var (address, size, seed) in regions)
            RegionProbe.Check(address, size, seed);
        Assert.Empty(os.Violations);
    });

    /// <summary>2 MiB to 1 GiB, small ones more often.</summary>
    private static ulong Size(Random random) => (2 * MiB) + 1 + (ulong)random.NextInt64(1L << random.Next(10, random.Next(4) == 0 ? 30 : 25));
}
