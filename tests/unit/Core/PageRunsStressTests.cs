using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Tests.Unit.Bits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Four threads take, give, grow and shrink runs of one chunk: each page has one owner at a time, and at rest all are free.</summary>
public sealed class PageRunsStressTests
{
    private const int Steps = 20_000;

    [Theory]
    [InlineData(512, 200)]
    [InlineData(300, 40)]
    [InlineData(130, 130)]
    public void Every_page_has_one_owner_at_a_time_and_none_is_lost(int pages, int longest)
    {
        Stress<ShippedGeometry, HardwareAtomics>(pages, longest);
        Stress<SmallGeometry, HardwareAtomics>(pages / 8, longest / 8);
        Stress<TinyGeometry, HardwareAtomics>(pages / 16, longest / 16);
    }

    [Fact]
    public void Two_racing_gives_of_one_run_give_it_once() => Seeded.Run(1, random =>
    {
        using var chunk = new ChunkUnderTest<HardwareAtomics, ShippedGeometry>(512);
        var counts = new int[2];
        using var step = new Barrier(2);
        var sizes = Enumerable.Range(0, 5000).Select(_ => random.Next(1, 513)).ToArray();
        Threads.Run(2, number =>
        {
            foreach (var size in sizes)
            {
                if (number == 0)
                    Assert.Equal(0, chunk.Take(size));
                step.SignalAndWait();
                counts[number] = chunk.Give(0);
                step.SignalAndWait();
                Assert.Equal([0, size], counts.Order());
                Assert.Equal(0, chunk.TakenPages);
                step.SignalAndWait();
            }
        });
    });

    [Fact]
    public void The_stress_fails_on_atomics_that_take_whatever_the_claim_returns() =>
        Assert.ThrowsAny<Exception>(() => Stress<ShippedGeometry, NeverLosesAClaim>(130, 60));

    private static void Stress<TGeometry, TAtomics>(int pages, int longest)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics => Seeded.Run(1, random =>
        {
            using var chunk = new ChunkUnderTest<TAtomics, TGeometry>(pages, (ulong)random.Next(1000));
            var owners = new int[pages];
            var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
            var taken = new int[4];
            Threads.Run(4, number => taken[number] = Work(chunk, owners, number + 1, longest, new Random(seeds[number])));
            Assert.Equal(0, chunk.TakenPages);
            Assert.Equal(0, chunk.Descriptors);
            Assert.Equal(0, chunk.Take(pages));
            Assert.All(taken, count => Assert.True(count > Steps / 100, $"{count} takes came through"));
        });

    /// <summary>Returns how many takes and grows came through.</summary>
    private static int Work<TGeometry, TAtomics>(ChunkUnderTest<TAtomics, TGeometry> chunk, int[] owners, int me, int longest, Random random)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics
    {
        var mine = new List<(int First, int Pages)>();
        var taken = 0;
        for (var step = 0; step < Steps; step++)
        {
            if (mine.Count < 3 && random.Next(2) == 0)
            {
                var pages = 1 + random.Next(random.Next(longest) + 1);
                if (chunk.Take(pages, 1 << random.Next(3)) is not (>= 0 and var first))
                    continue;
                Own(owners, first, pages, 0, me);
                mine.Add((first, pages));
                taken++;
            }
            else if (mine.Count > 0)
            {
                var at = random.Next(mine.Count);
                var (first, pages) = mine[at];
                var more = random.Next(1, longest + 1);
                switch (random.Next(4))
                {
                    case 0 when chunk.TryGrow(first, more):
                        Own(owners, first + pages, more, 0, me);
                        mine[at] = (first, pages + more);
                        taken++;
                        break;
                    case 1 when pages > 1:
                        var left = random.Next(1, pages);
                        Own(owners, first + left, pages - left, me, 0);
                        chunk.Shrink(first, left);
                        mine[at] = (first, left);
                        break;
                    case 2:
                        Assert.Equal((pages, first), chunk.Find(first + random.Next(pages)));
                        break;
                    default:
                        mine.RemoveAt(at);
                        GiveBack(chunk, owners, me, first, pages);
                        break;
                }
            }
        }

        foreach (var (first, pages) in mine)
            GiveBack(chunk, owners, me, first, pages);
        return taken;
    }

    private static void GiveBack<TGeometry, TAtomics>(ChunkUnderTest<TAtomics, TGeometry> chunk, int[] owners, int me, int first, int pages)
        where TGeometry : struct, IGeometry
        where TAtomics : struct, IAtomics
    {
        Own(owners, first, pages, me, 0);
        Assert.Equal(pages, chunk.Give(first));
    }

    private static void Own(int[] owners, int first, int pages, int from, int to)
    {
        for (var page = first; page < first + pages; page++)
        {
            var before = Interlocked.CompareExchange(ref owners[page], to, from);
            if (before != from)
                Assert.Fail($"page {page} belongs to {before}, not to {from}");
        }
    }

    /// <summary>Wrong on purpose: a claim never says that a page was taken before it.</summary>
    private readonly unsafe struct NeverLosesAClaim : IAtomics
    {
        public static ulong LoadAcquire(ulong* address, Site site) => HardwareAtomics.LoadAcquire(address, site);

        public static void StoreRelease(ulong* address, ulong value, Site site) => HardwareAtomics.StoreRelease(address, value, site);

        public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) => HardwareAtomics.CompareExchangeAcqRel(address, expected, desired, site);

        public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.ExchangeAcqRel(address, value, site);

        public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.FetchAddAcqRel(address, value, site);

        public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchAndAcqRel(address, mask, site);

        /// <summary>Lets the others run between the look and the claim, so that they meet on every machine.</summary>
        public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site)
        {
            Thread.Yield();
            return HardwareAtomics.FetchOrAcqRel(address, mask, site) & ~mask;
        }

        public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HardwareAtomics.LoadHalfAcquire(address, half, site);

        public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) => HardwareAtomics.CompareExchange16AcqRel(address, expected, desired, site);

        public static void FenceSeqCst(Site site) => HardwareAtomics.FenceSeqCst(site);

        public static void FenceProcessWide(Site site) => HardwareAtomics.FenceProcessWide(site);

        public static ulong ReadPlain(ulong* address, Site site) => *address;

        public static void WritePlain(ulong* address, ulong value, Site site) => *address = value;

        public static void WriteByte(byte* address, byte value, Site site) => *address = value;
    }
}
