using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>The memory limits that a process lives under. Sizes are in bytes; 0 stands for none that is known.</summary>
/// <param name="LimitBytes">The smallest hard limit of the process's group and the groups above it that can be seen.</param>
/// <param name="Source">The file that says so, or "" where there is none.</param>
/// <param name="UsedBytes">What the group with that limit uses now, caches of files included.</param>
/// <param name="HighBytes">The smallest limit above which the kernel slows the process down and reclaims (memory.high of cgroup v2).</param>
internal sealed record ContainerMemory(ulong LimitBytes, string Source, ulong UsedBytes, ulong HighBytes)
{
    /// <summary>Nothing is known to limit the process.</summary>
    public static ContainerMemory None { get; } = new(0, "", 0, 0);
}

/// <summary>Reads the limits of control groups (v2, v1, and both side by side) and of the process itself. Linux; elsewhere there are none. Nothing throws: a file that is missing or damaged is no limit.</summary>
/// <remarks>
/// <para>/proc/self/cgroup names the group by its path in the hierarchy, /proc/self/mountinfo where which part of the hierarchy is mounted. In a container the mounted part often starts at the
/// container's own group (a bind mount, whose root is not "/"), or the path is "/" because the process sees the hierarchy from there (a cgroup namespace). A path that leads out of what is mounted
/// is taken for the mount's own top, which is the group nearest to it that can be read.</para>
/// <para>A limit holds for all groups below it, so each group from the process's own up to the mount's top counts.</para>
/// </remarks>
internal static partial class ContainerLimits
{
    private const int RlimitData = 2;
    private const int RlimitAddressSpace = 9;

    // "No limit" of v1 is the greatest signed number, rounded down to a page, whatever its size: nothing near it is a limit.
    private const ulong NoLimit = 1ul << 62;

    /// <summary>The limit of the process's control group.</summary>
    /// <param name="root">The directory that stands for "/".</param>
    public static ContainerMemory Read(string root = "/")
    {
        var files = new SystemFiles(root);
        var groups = files.Lines("/proc/self/cgroup");
        var mounts = files.Lines("/proc/self/mountinfo").Select(CgroupMount.Parse).OfType<CgroupMount>().ToArray();
        var found = ContainerMemory.None;
        foreach (var group in groups)
        {
            // hierarchy-ID:controllers:path; the path may hold colons.
            var parts = group.Split(':', 3);
            if (parts.Length < 3 || !parts[2].StartsWith('/'))
                continue;
            var isUnified = parts[1].Length == 0 && parts[0] is "0";
            if (!isUnified && !parts[1].Split(',').Contains("memory", StringComparer.Ordinal))
                continue;
            foreach (var (mount, directory) in Directories(files, [.. mounts.Where(mount => mount.IsUnified == isUnified)], parts[2]))
                found = Smaller(found, Walk(files, mount, directory));
        }

        return found;
    }

    /// <summary>The limit of the process's data (RLIMIT_DATA) and of its addresses (RLIMIT_AS), in bytes; 0 where there is none.</summary>
    public static unsafe (ulong DataBytes, ulong AddressSpaceBytes) ReadProcess()
    {
        static ulong Of(int resource)
        {
            var pair = stackalloc ulong[2];
            return GetLimit(resource, pair) == 0 && pair[0] < NoLimit ? pair[0] : 0; // RLIM_INFINITY is the greatest number
        }

        return OperatingSystem.IsLinux() ? (Of(RlimitData), Of(RlimitAddressSpace)) : (0, 0);
    }

    // Where the group can be read: in every mount that shows it; else at the top of each mount.
    private static List<(CgroupMount Mount, string Directory)> Directories(SystemFiles files, CgroupMount[] mounts, string path)
    {
        var found = new List<(CgroupMount, string)>();
        foreach (var mount in mounts)
        {
            if (mount.DirectoryOf(path) is { } directory && files.IsDirectory(directory))
                found.Add((mount, directory));
        }

        if (found.Count == 0)
            found.AddRange(mounts.Select(mount => (mount, mount.Point)));
        return found;
    }

    private static ContainerMemory Walk(SystemFiles files, CgroupMount mount, string directory)
    {
        var (limitFile, usedFile) = mount.IsUnified ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes");
        var found = ContainerMemory.None;
        while (true)
        {
            var limit = files.Number($"{directory}/{limitFile}") ?? 0; // "max" is no number
            var high = mount.IsUnified ? files.Number($"{directory}/memory.high") ?? 0 : 0;
            if (limit is > 0 and < NoLimit)
                found = Smaller(found, new ContainerMemory(limit, $"{directory}/{limitFile}", files.Number($"{directory}/{usedFile}") ?? 0, 0));
            if (high is > 0 and < NoLimit)
                found = Smaller(found, new ContainerMemory(0, "", 0, high));

            var slash = directory.LastIndexOf('/');
            if (directory.Length <= mount.Point.Length || slash <= 0)
                return found;
            directory = directory[..slash];

            // Old kernels let a v1 group have children that are not charged to it.
            if (!mount.IsUnified && files.Read($"{directory}/memory.use_hierarchy") is "0")
                return found;
        }
    }

    private static ContainerMemory Smaller(ContainerMemory one, ContainerMemory other)
    {
        var high = one.HighBytes == 0 || (other.HighBytes != 0 && other.HighBytes < one.HighBytes) ? other.HighBytes : one.HighBytes;
        return (one.LimitBytes == 0 || (other.LimitBytes != 0 && other.LimitBytes < one.LimitBytes) ? other : one) with { HighBytes = high };
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static unsafe partial int GetLimit(int resource, ulong* pair);
}
