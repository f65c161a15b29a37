using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Unit.Bits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Runs of pages from a bitmap, one thread, and a second one at every point between two accesses of the first.</summary>
public sealed class PageRunsTests
{
    private const ulong Flags = 5ul << 32;

    [Fact]
    public void A_full_chunk_refuses_and_serves_again_what_comes_back()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(512);
        for (var page = 0; page < 512; page++)
            Assert.Equal(page, chunk.Take(1));
        Assert.Equal(-1, chunk.Take(1));
        Assert.Equal(-1, chunk.Take(512));
        Assert.Equal(1, chunk.Give(333));
        Assert.Equal(-1, chunk.Take(2));
        Assert.Equal(333, chunk.Take(1));
        Assert.Equal(512, chunk.TakenPages);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(511)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1)]
    public void A_run_may_be_the_whole_chunk(int pages)
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(pages);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(-1, chunk.Take(pages + 1));
            Assert.Equal(0, chunk.Take(pages));
            Assert.Equal(pages, chunk.TakenPages);
            Assert.Equal(-1, chunk.Take(1));
            Assert.Equal((pages, 0), chunk.Find(pages - 1));
            Assert.Equal(pages, chunk.Give(0));
            Assert.Equal(0, chunk.TakenPages);
        }
    }

    [Fact]
    public void Runs_span_words_and_lie_side_by_side()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(512);
        Assert.Equal(0, chunk.Take(60));
        Assert.Equal(60, chunk.Take(300));
        Assert.Equal(360, chunk.Take(152));
        Assert.Equal((300, 60), chunk.Find(200));
        Assert.Equal(300, chunk.Give(60));
        Assert.Equal((0, 0), chunk.Find(200));
        Assert.Equal(60, chunk.Take(299));
        Assert.Equal(359, chunk.Take(1));
    }

    [Fact]
    public void Alignment_counts_from_the_pages_before_the_chunk()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(512, basePage: 1000);
        Assert.Equal(24, chunk.Take(1, 512)); // 1024
        Assert.Equal(0, chunk.Take(1, 8));
        Assert.Equal(2, chunk.Take(10, 3)); // 1002
        Assert.Equal(280, chunk.Take(1, 256)); // 1280
        Assert.Equal(-1, chunk.Take(1, 4096));
        Assert.Equal(-1, chunk.Take(1, int.MaxValue));
    }

    [Fact]
    public void What_is_no_run_cannot_be_taken_given_grown_or_shrunk()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(100);
        Assert.Equal(0, chunk.Take(10));
        foreach (var (pages, alignment) in new[] { (0, 1), (-1, 1), (101, 1), (int.MaxValue, 1), (1, 0), (1, -8) })
            Assert.Equal(-1, chunk.Take(pages, alignment));
        foreach (var page in new[] { 1, 9, 10, 99, 100, -1, int.MinValue, int.MaxValue })
        {
            Assert.Equal(0, chunk.Give(page));
            Assert.False(chunk.TryGrow(page, 1));
            chunk.Shrink(page, 1);
        }

        foreach (var more in new[] { 0, -1, 91, int.MaxValue, int.MinValue })
            Assert.False(chunk.TryGrow(0, more));
        foreach (var pages in new[] { 0, -1, 10, 11, int.MaxValue })
            chunk.Shrink(0, pages);
        Assert.Equal((10, 0), chunk.Find(9));
        Assert.Equal(10, chunk.TakenPages);
        foreach (var page in new[] { 10, 99, 100, -1, int.MinValue, int.MaxValue })
            Assert.Equal((0, 0), chunk.Find(page));
        Assert.Equal(10, chunk.Give(0));
        Assert.Equal(0, chunk.Give(0));
    }

    [Fact]
    public void A_run_grows_over_words_all_or_nothing_and_gives_its_tail_back()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(512);
        Assert.Equal(0, chunk.Take(10));
        Assert.Equal(10, chunk.Take(190));
        Assert.Equal(200, chunk.Take(1));
        Assert.Equal(190, chunk.Give(10));
        Assert.False(chunk.TryGrow(0, 191));
        Assert.Equal(11, chunk.TakenPages);
        Assert.True(chunk.TryGrow(0, 190));
        Assert.Equal((200, 0), chunk.Find(199));
        chunk.Shrink(0, 63);
        Assert.Equal(64, chunk.TakenPages);
        Assert.Equal(63, chunk.Take(137));
        Assert.False(chunk.TryGrow(0, 1));
        Assert.True(chunk.TryGrow(200, 311));
        Assert.Equal(-1, chunk.Take(1));
        Assert.Equal(312, chunk.Give(200));
        Assert.Equal(63, chunk.Give(0));
        Assert.Equal(137, chunk.Give(63));
        Assert.Equal(0, chunk.TakenPages);
    }

    [Fact]
    public void The_owners_flags_stay_with_a_run_that_grows_and_shrinks()
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(16);
        Assert.Equal(0, chunk.Take(2));
        chunk.Descriptor(0) |= Flags;
        Assert.True(chunk.TryGrow(0, 6));
        chunk.Shrink(0, 3);
        Assert.Equal(Flags | 3, chunk.Descriptor(0));
        Assert.Equal(3, chunk.Give(0));
        Assert.Equal(0, chunk.Take(16));
        Assert.Equal(16ul, chunk.Descriptor(0));
    }

    [Fact]
    public void A_take_beaten_at_any_point_gives_back_what_it_took() => Assert.Null(Beaten<HookedAtomics>());

    [Fact]
    public void A_take_that_forgets_to_give_back_is_found() => Assert.NotNull(Beaten<ForgetsToGiveBack>());

    /// <summary>Before the k-th access of a call another one takes pages in its way. Returns what went wrong, if anything did.</summary>
    private static string? Beaten<TAtomics>()
        where TAtomics : struct, IAtomics
    {
        foreach (var rival in Enumerable.Range(0, 14))
        {
            foreach (var grows in new[] { false, true })
            {
                for (var k = 1; k < 40; k++)
                {
                    using var chunk = new ChunkUnderTest<TAtomics, SmallGeometry>(14);
                    var own = grows ? chunk.Take(2) : 0;
                    var (count, taken, grown, planted) = (0, -1, false, false);
                    HookedAtomics.With(_ => planted |= ++count == k && chunk.TryPlant(rival), () => _ = grows ? grown = chunk.TryGrow(own, 9) : (taken = chunk.Take(9)) >= 0);
                    var expected = (planted ? 1 : 0) + (grows ? grown ? 11 : 2 : taken >= 0 ? 9 : 0);
                    if (chunk.TakenPages != expected)
                        return $"page {rival} was taken before access {k}: {chunk.TakenPages} pages are taken, {expected} are in runs";
                    if (taken >= 0 && planted && rival >= taken && rival < taken + 9)
                        return $"page {rival} was taken twice";
                }
            }
        }

        return null;
    }

    [Fact]
    public void A_take_may_miss_pages_that_another_holds_in_vain_and_finds_them_afterwards()
    {
        using var chunk = new ChunkUnderTest<HookedAtomics, SmallGeometry>(8);
        var (claims, missed) = (0, 0);
        HookedAtomics.With(
            site =>
            {
                // The second word is lost to four others; what the first gives back is held until then.
                if (site == Site.RunClaim && ++claims == 2)
                    Assert.All([4, 5, 6, 7], page => Assert.True(chunk.TryPlant(page)));
                else if (site == Site.RunUnclaim)
                    missed = chunk.Take(2);
            },
            () => Assert.Equal(-1, chunk.Take(5)));
        Assert.Equal(-1, missed);
        Assert.Equal(0, chunk.Take(2));
    }

    [Fact]
    public void A_take_stopped_anywhere_strands_its_own_run_at_most()
    {
        var places = 0;
        for (var k = 1; ; k++, places++)
        {
            using var chunk = new ChunkUnderTest<HookedAtomics, SmallGeometry>(16);
            Assert.Equal(0, chunk.Take(3));
            var stopped = HookedAtomics.StopAt(k, () => chunk.Take(9));
            Assert.InRange(chunk.TakenPages, 3, 12);
            Assert.InRange(chunk.Take(4), 3, 12);
            Assert.Equal(3, chunk.Give(0));
            Assert.Equal(0, chunk.Take(3));
            if (!stopped)
                break;
        }

        Assert.True(places >= 7, $"{places} places to stop"); // looks and claims at three words, and the descriptor
    }

    [Fact]
    public void A_give_stopped_anywhere_gives_nothing_twice()
    {
        for (var k = 1; ; k++)
        {
            using var chunk = new ChunkUnderTest<HookedAtomics, SmallGeometry>(16);
            Assert.Equal(0, chunk.Take(16));
            var stopped = HookedAtomics.StopAt(k, () => chunk.Give(0));
            var second = chunk.Give(0);
            Assert.Equal(k == 1 ? 16 : 0, second);
            Assert.Equal(stopped && k > 1, chunk.TakenPages > 0);
            if (!stopped)
                break;
        }
    }

    [Fact]
    public void An_owner_that_resizes_what_another_gave_touches_nobody_elses_pages()
    {
        using var chunk = new ChunkUnderTest<HookedAtomics, SmallGeometry>(16);
        foreach (var grows in new[] { false, true })
        {
            for (var k = 1; k < 12; k++)
            {
                Assert.Equal(0, chunk.Take(6));
                var (count, others) = (0, -1);
                HookedAtomics.With(
                    _ =>
                    {
                        if (++count != k)
                            return;
                        chunk.Give(0);
                        others = chunk.Take(7);
                    },
                    () =>
                    {
                        if (grows)
                            chunk.TryGrow(0, 5);
                        else
                            chunk.Shrink(0, 2);
                    });
                var runs = Enumerable.Range(0, 16).Sum(page => (int)chunk.Descriptor(page));
                Assert.Equal(runs, chunk.TakenPages);
                chunk.Give(0);
                chunk.Give(others);
                Assert.Equal(0, chunk.TakenPages);
            }
        }
    }

    /// <summary>Wrong on purpose: what was claimed in vain stays claimed.</summary>
    private readonly unsafe struct ForgetsToGiveBack : IAtomics
    {
        public static ulong LoadAcquire(ulong* address, Site site) => HookedAtomics.LoadAcquire(address, site);

        public static void StoreRelease(ulong* address, ulong value, Site site) => HookedAtomics.StoreRelease(address, value, site);

        public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) => HookedAtomics.CompareExchangeAcqRel(address, expected, desired, site);

        public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HookedAtomics.ExchangeAcqRel(address, value, site);

        public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HookedAtomics.FetchAddAcqRel(address, value, site);

        public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HookedAtomics.FetchAndAcqRel(address, site == Site.RunUnclaim ? ulong.MaxValue : mask, site);

        public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => HookedAtomics.FetchOrAcqRel(address, mask, site);

        public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HookedAtomics.LoadHalfAcquire(address, half, site);

        public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) => HookedAtomics.CompareExchange16AcqRel(address, expected, desired, site);

        public static void FenceSeqCst(Site site) => HookedAtomics.FenceSeqCst(site);

        public static void FenceProcessWide(Site site) => HookedAtomics.FenceProcessWide(site);

        public static ulong ReadPlain(ulong* address, Site site) => *address;

        public static void WritePlain(ulong* address, ulong value, Site site) => *address = value;

        public static void WriteByte(byte* address, byte value, Site site) => *address = value;
    }
}
