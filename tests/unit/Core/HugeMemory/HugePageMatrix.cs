using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core.LargeMemory;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>W11, Q8: every mode of transparent huge pages, with and without a pool, under every policy and profile: no error, and no page resident that rounding does not explain.</summary>
public sealed unsafe class HugePageMatrix
{
    private const int MiB = 1 << 20;
    private const ulong HugeBytes = 2 * MiB;

    /// <summary>Spaces of blocks whose end may lie within a huge page: what is never born beside the last block is resident with it.</summary>
    private const ulong Spaces = 4;

    public static TheoryData<TransparentHugePageMode, string> Systems()
    {
        var data = new TheoryData<TransparentHugePageMode, string>();
        foreach (var mode in new[] { TransparentHugePageMode.Always, TransparentHugePageMode.Madvise, TransparentHugePageMode.Never })
            foreach (var pool in new[] { "none", "some", "exhausted" })
                data.Add(mode, pool);
        return data;
    }

    [Theory]
    [MemberData(nameof(Systems))]
    public void Resident_memory_is_what_lives_rounded_to_the_pages_that_were_asked_for(TransparentHugePageMode mode, string pool)
    {
        foreach (var huge in Enum.GetValues<HugePages>())
        {
            foreach (var profile in Enum.GetValues<Profile>())
                Check(mode, pool, huge, profile);
        }
    }

    private static void Check(TransparentHugePageMode mode, string pool, HugePages huge, Profile profile)
    {
        var what = $"{mode}, pool: {pool}, {huge}, {profile}";
        int? pages = pool switch { "some" => 20, "exhausted" => 0, _ => null };
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = mode, HugePages2MiB = pages, HugePages1GiB = pages is null ? null : 0 });
        using (var live = new LiveSet(new() { VirtualMemory = os.Table, Policy = MemoryPolicy.Of(profile) with { HugePages = huge } }))
        {
            var denied = 0;
            live.Allocator.HugePagesDenied += (_, _) => denied++;
            var bound = new Rounding(live, os, mode, huge);

            // 14 MiB of small slots, 12 MiB of medium ones, regions of 3 to 33 MiB; all touched.
            for (var i = 0; i < 14_000; i++)
                bound.Alloc(1000);
            for (var i = 0; i < 40; i++)
                bound.Alloc(300_000);
            foreach (var size in new[] { 3, 5, 9, 33 })
            {
                bound.Alloc((size * MiB) - 5000);
                bound.Alloc((size * MiB) + 5000);
            }

            CheckNow(bound.OfLive());

            // Half of it goes, by way of the policy, and some comes again; then all that is free.
            bound.FreeWhere(i => i % 2 == 0);
            live.Allocator.Tick();
            for (var i = 0; i < 3000; i++)
                bound.Alloc(1000);
            bound.Alloc(7 * MiB);
            var figures = live.Figures;
            var frontier = bound.MayRoundBlocks ? Spaces * HugeBytes : 0;
            Assert.True(os.ResidentBytes <= bound.OfLive() + figures.FreeRegionBytes + 28 * MiB, $"{what}: {os.ResidentBytes} bytes resident after half was freed");
            live.Allocator.Trim(ref live.Cache);
            CheckNow(bound.OfLive() + frontier);
            bound.FreeWhere(_ => true);
            live.Allocator.Trim(ref live.Cache);
            CheckNow(frontier);
            figures = live.Figures;
            Assert.Equal((what, 0ul, 0ul, 0ul, 0ul, 0ul), (what, figures.LiveBytes, figures.TouchedBytes, figures.FreeRegionBytes, figures.HugePoolBytes, figures.GiantPageBytes));
            Assert.Equal((what, (ulong)(pages ?? 0)), (what, os.FreeHugePages(21)));
            Assert.True(huge == HugePages.Pool && pages != 20 ? figures.HugePoolRefusals > 0 : huge == HugePages.Pool || figures.HugePoolRefusals == 0, $"{what}: {figures.HugePoolRefusals} refusals");
            Assert.Equal((what, 0), (what, denied));

            void CheckNow(ulong most)
            {
                live.CheckAll();
                ChargeWalk.Check(live.Heap);
                var now = live.Figures;
                var pooled = (ulong)(pages ?? 0) - os.FreeHugePages(21);
                Assert.Equal((what, pooled * HugeBytes), (what, now.HugePoolBytes));
                Assert.True(os.ResidentBytes <= most, $"{what}: {os.ResidentBytes} bytes resident where {most} are explained, {now.LiveBytes} live");
                if (!bound.MayRoundBlocks)
                    Assert.True(os.ResidentBytes <= now.TouchedBytes, $"{what}: {os.ResidentBytes} bytes resident, {now.TouchedBytes} told as touched");

                // Huge pages are where they were asked for, and nowhere else.
                Assert.True(huge != HugePages.Never || os.HugeBytes == 0, $"{what}: {os.HugeBytes} bytes in huge pages");
                Assert.True(mode != TransparentHugePageMode.Never || os.HugeBytes == now.HugePoolBytes, $"{what}: {os.HugeBytes} bytes in huge pages");
                if (huge >= HugePages.Dense && mode != TransparentHugePageMode.Never && now.LiveBytes > 100 * MiB)
                    Assert.True(os.HugeBytes > 90 * MiB, $"{what}: {os.HugeBytes} bytes in huge pages");
                if (huge == HugePages.Pool && pages == 20 && now.LiveBytes > 100 * MiB)
                    Assert.InRange(now.HugePoolBytes, 30ul * MiB, 40ul * MiB);
            }
        }

        Assert.Equal((what, 0ul, 0ul, (ulong)(pages ?? 0)), (what, os.ReservedBytes, os.ResidentBytes, os.FreeHugePages(21)));
        Assert.Empty(os.Violations);
    }

    /// <summary>What lives, touched; and the bytes it explains: base pages, or huge ones where the policy asks for them or the system uses them unasked.</summary>
    private sealed class Rounding(LiveSet live, SimulatedVirtualMemory os, TransparentHugePageMode mode, HugePages huge)
    {
        private readonly ulong _page = (ulong)os.Table.PageSize();
        private List<(nuint Address, int Size)> _live = [];

        /// <summary>Whether blocks may lie in huge pages.</summary>
        public bool MayRoundBlocks { get; } = mode switch
        {
            TransparentHugePageMode.Always => huge != HugePages.Never,
            TransparentHugePageMode.Madvise => huge >= HugePages.Dense,
            _ => false,
        };

        public void Alloc(int size)
        {
            var address = live.Allocator.Alloc(ref live.Cache, (nuint)size);
            os.Touch(address, (nuint)size);
            _live.Add(((nuint)address, size));
        }

        public void FreeWhere(Func<int, bool> match)
        {
            for (var i = 0; i < _live.Count; i++)
            {
                if (match(i))
                    live.Allocator.Free(ref live.Cache, (void*)_live[i].Address, (nuint)_live[i].Size);
            }

            _live = [.. _live.Where((_, i) => !match(i))];
        }

        public ulong OfLive()
        {
            var (huges, pages) = (new HashSet<ulong>(), new HashSet<ulong>());
            foreach (var (address, asked) in _live)
            {
                // Of the pool a region is resident as far as it is committed: a shorter request may have got a longer one.
                var isRegion = asked > BitTreeAllocator.MaxMediumSize && RegionProbe.WordOf(live.Heap, address).IsHuge;
                var size = isRegion ? RegionProbe.WordOf(live.Heap, address).Committed * HugeBytes : (ulong)asked;
                var (step, set) = IsHuge(address) ? (HugeBytes, huges) : (_page, pages);
                for (var at = address / step; at <= (address + size - 1) / step; at++)
                    set.Add(at);
            }

            pages.RemoveWhere(page => huges.Contains(page * _page / HugeBytes));
            return ((ulong)huges.Count * HugeBytes) + ((ulong)pages.Count * _page);
        }

        private bool IsHuge(nuint address)
        {
            var isOffered = huge != HugePages.Never && mode != TransparentHugePageMode.Never;
            if (live.Heap->Engine.Locate(live.Heap, address, out var block))
                return isOffered && (mode == TransparentHugePageMode.Always || (huge >= HugePages.Dense && address - (ulong)block.Space->Data.Base >= 8 * MiB));
            Assert.True(RegionAreas<HardwareAtomics, ShippedGeometry>.TryLocate(live.Heap, address, out var region));
            return RegionProbe.WordOf(live.Heap, address).IsHuge || (isOffered && (huge >= HugePages.Dense || region.Area->Class >= 2));
        }
    }
}
