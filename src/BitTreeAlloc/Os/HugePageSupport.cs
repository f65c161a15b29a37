using System.Globalization;

namespace BitTreeAlloc.Os;

/// <summary>A pool of huge pages of one size (hugetlb), as the kernel counts it.</summary>
/// <param name="PageBytes">Bytes of a page.</param>
/// <param name="Pages">Pages in the pool, those in use included.</param>
/// <param name="FreePages">Pages that no mapping has touched.</param>
/// <param name="PromisedPages">Of the free ones, those that are promised to mappings.</param>
/// <param name="OvercommitPages">Pages that the kernel may add from ordinary memory when the pool is used up.</param>
internal readonly record struct HugePool(ulong PageBytes, ulong Pages, ulong FreePages, ulong PromisedPages, ulong OvercommitPages);

/// <summary>Memory behind ranges of addresses, in bytes.</summary>
/// <param name="ResidentBytes">Resident in ordinary and in transparent huge pages.</param>
/// <param name="TransparentBytes">Of these, in transparent huge pages.</param>
/// <param name="PoolBytes">Resident in pages of a pool, which the kernel does not count as resident.</param>
internal readonly record struct HugeResidency(ulong ResidentBytes, ulong TransparentBytes, ulong PoolBytes);

/// <summary>What Linux says of huge pages. Reads files: not for a path that serves memory. Nothing throws; elsewhere everything is unknown, none or 0.</summary>
internal static class HugePageSupport
{
    /// <summary>Where transparent huge pages are used: the word in brackets in /sys/kernel/mm/transparent_hugepage/enabled.</summary>
    /// <param name="root">The directory that stands for "/".</param>
    public static TransparentHugePageMode ReadMode(string root = "/")
    {
        var text = new SystemFiles(root).Read("/sys/kernel/mm/transparent_hugepage/enabled") ?? "";
        var (open, close) = (text.IndexOf('['), text.IndexOf(']'));
        return (open >= 0 && close > open ? text[(open + 1)..close] : "") switch
        {
            "always" => TransparentHugePageMode.Always,
            "madvise" => TransparentHugePageMode.Madvise,
            "never" => TransparentHugePageMode.Never,
            _ => TransparentHugePageMode.Unknown,
        };
    }

    /// <summary>The pools of this system, smallest pages first; one whose size cannot be read is left out.</summary>
    /// <param name="root">The directory that stands for "/".</param>
    public static IReadOnlyList<HugePool> ReadPools(string root = "/")
    {
        const string Folder = "/sys/kernel/mm/hugepages";
        const string Prefix = "hugepages-";
        const string Suffix = "kB";
        var files = new SystemFiles(root);
        var pools = new List<HugePool>();
        foreach (var name in files.Directories(Folder))
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || !name.EndsWith(Suffix, StringComparison.Ordinal) || name.Length <= Prefix.Length + Suffix.Length
                || !ulong.TryParse(name.AsSpan()[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var kib) || kib > ulong.MaxValue >> 10)
                continue;
            ulong Value(string file) => files.Number($"{Folder}/{name}/{file}") ?? 0;
            pools.Add(new HugePool(kib << 10, Value("nr_hugepages"), Value("free_hugepages"), Value("resv_hugepages"), Value("nr_overcommit_hugepages")));
        }

        pools.Sort((one, other) => one.PageBytes.CompareTo(other.PageBytes));
        return pools;
    }

    /// <summary>The memory behind ranges of addresses of this process, from /proc/self/smaps: Rss, AnonHugePages, Private_Hugetlb.</summary>
    /// <param name="ranges">Disjoint ranges.</param>
    /// <param name="root">The directory that stands for "/".</param>
    /// <remarks>The kernel counts by mapping, and may have merged a range with its neighbours: of a mapping that lies in the ranges in part, no more counts than that part's size.
    /// So the figures are exact for ranges that are whole mappings and upper bounds for others. The file is not a snapshot where other threads map and touch meanwhile.</remarks>
    public static HugeResidency ReadResident(IReadOnlyList<VmRange> ranges, string root = "/")
    {
        var (resident, transparent, pool, overlap) = (0ul, 0ul, 0ul, 0ul);
        foreach (var line in new SystemFiles(root).Lines("/proc/self/smaps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            if (IsMapping(words[0], out var start, out var end))
            {
                overlap = 0;
                foreach (var range in ranges)
                {
                    var (from, to) = (ulong.Max(start, range.Address), ulong.Min(end, range.Address + range.Bytes));
                    overlap += to > from ? to - from : 0;
                }
            }
            else if (overlap != 0 && words.Length > 1 && ulong.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var kib))
            {
                var bytes = ulong.Min(kib > ulong.MaxValue >> 10 ? ulong.MaxValue : kib << 10, overlap);
                if (words[0] is "Rss:")
                    resident += bytes;
                else if (words[0] is "AnonHugePages:")
                    transparent += bytes;
                else if (words[0] is "Private_Hugetlb:")
                    pool += bytes;
            }
        }

        return new HugeResidency(resident, transparent, pool);
    }

    private static bool IsMapping(string word, out ulong start, out ulong end)
    {
        var dash = word.IndexOf('-', StringComparison.Ordinal);
        end = 0;
        return ulong.TryParse(dash > 0 ? word.AsSpan(0, dash) : "", NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out start)
            && ulong.TryParse(word.AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out end);
    }
}
