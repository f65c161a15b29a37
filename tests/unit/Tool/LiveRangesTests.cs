using BitTreeAlloc.Tool.Verify;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed unsafe class LiveRangesTests
{
    [Fact]
    public void Any_two_ranges_overlap_exactly_when_they_share_a_granule()
    {
        // Around a page's edge, where a range lies in two pages.
        var random = new Random(4);
        for (var i = 0; i < 20_000; i++)
        {
            var (a, aLength) = ((1ul << 20) - 600 + ((ulong)random.Next(150) * 8), (ulong)random.Next(1, 700));
            var (b, bLength) = ((1ul << 20) - 600 + ((ulong)random.Next(150) * 8), (ulong)random.Next(1, 700));
            var ranges = new LiveRanges();
            Assert.True(ranges.Add(a, aLength));
            var overlap = a / 8 <= (b + bLength - 1) / 8 && b / 8 <= (a + aLength - 1) / 8;
            Assert.Equal(!overlap, ranges.Add(b, bLength));
        }
    }

    [Fact]
    public void What_is_taken_out_is_free_again()
    {
        var ranges = new LiveRanges();
        Assert.True(ranges.Add(0x7000_0000_0040, 5 << 20));
        Assert.Equal((5 << 20) / 8, ranges.Granules);
        Assert.True(ranges.Remove(0x7000_0000_0040, 5 << 20));
        Assert.Equal(0, ranges.Granules);
        Assert.False(ranges.Remove(0x7000_0000_0040, 8));
        Assert.True(ranges.Add(0x7000_0000_0040, 1));
    }

    [Fact]
    public void A_single_changed_byte_of_the_pattern_is_found_where_it_is()
    {
        Span<byte> memory = stackalloc byte[80];
        fixed (byte* start = memory)
        {
            for (nuint size = 1; size <= 67; size++)
            {
                for (nuint at = 0; at < size; at++)
                {
                    PatternFill.Write(start, 0, size, 0x0123_4567_89AB_CDEF);
                    Assert.Equal(size, PatternFill.FirstDifference(start, size, 0x0123_4567_89AB_CDEF));
                    start[at] ^= 0x10;
                    Assert.Equal(at, PatternFill.FirstDifference(start, size, 0x0123_4567_89AB_CDEF));
                }
            }
        }
    }

    [Fact]
    public void A_pattern_written_in_parts_is_the_pattern_and_stops_at_its_end()
    {
        Span<byte> memory = stackalloc byte[80];
        fixed (byte* start = memory)
        {
            for (nuint size = 1; size <= 67; size++)
            {
                for (nuint kept = 0; kept <= size; kept++)
                {
                    memory.Fill(0xEE);
                    PatternFill.Write(start, 0, kept, 99);
                    PatternFill.Write(start, kept, size, 99);
                    Assert.Equal(size, PatternFill.FirstDifference(start, size, 99));
                    Assert.Equal(0xEE, start[size]);
                }
            }
        }
    }

    [Fact]
    public void Seeds_of_neighbours_differ()
    {
        var seeds = new HashSet<ulong>();
        for (var id = 0u; id < 100; id++)
        {
            for (var birth = 0; birth < 100; birth++)
                Assert.True(seeds.Add(PatternFill.Seed(id, birth)));
        }
    }
}
