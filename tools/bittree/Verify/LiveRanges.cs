using System.Numerics;

namespace BitTreeAlloc.Tool.Verify;

/// <summary>
/// The set of addresses in users' hands: one bit per 8 bytes, in pages of 1 MiB found by a hash. Adding a range costs a word per 512 bytes, so
/// a trace of two million events takes a fraction of a second (a sorted set of intervals takes several). Not thread-safe.
/// </summary>
internal sealed class LiveRanges
{
    private const int GranuleLog2 = 3;
    private const int PageLog2 = 20;
    private const int BitsPerPage = 1 << (PageLog2 - GranuleLog2);

    private readonly Dictionary<ulong, ulong[]> _pages = [];

    /// <summary>Granules in the set.</summary>
    public long Granules { get; private set; }

    /// <summary>Adds a range; false if any of it was in the set before (it is added all the same).</summary>
    public bool Add(ulong start, ulong length) => Update(start, length, add: true);

    /// <summary>Takes a range out; false if any of it was not in the set.</summary>
    public bool Remove(ulong start, ulong length) => Update(start, length, add: false);

    private bool Update(ulong start, ulong length, bool add)
    {
        var clean = true;
        var granule = start >> GranuleLog2;
        var last = (start + Math.Max(length, 1) - 1) >> GranuleLog2;
        while (granule <= last)
        {
            var page = Page(granule / BitsPerPage);
            var inPage = granule % BitsPerPage;
            var bit = (int)(inPage % 64);
            var count = (int)Math.Min((ulong)(64 - bit), last - granule + 1);
            var mask = (count == 64 ? ulong.MaxValue : (1UL << count) - 1) << bit;
            ref var word = ref page[inPage / 64];
            var before = word & mask;
            clean &= before == (add ? 0 : mask);
            word = add ? word | mask : word & ~mask;
            Granules += add ? count - BitOperations.PopCount(before) : -BitOperations.PopCount(before);
            granule += (ulong)count;
        }

        return clean;
    }

    private ulong[] Page(ulong number)
    {
        if (!_pages.TryGetValue(number, out var page))
            _pages[number] = page = new ulong[BitsPerPage / 64];
        return page;
    }
}
