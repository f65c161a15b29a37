namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>A control group with a memory limit, for the length of a test. Needs the right to make one.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private static readonly (string Folder, string LimitFile)[] s_places =
    [
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ];

    private MemoryGroup(string path, string limitFile) => (Path, LimitFile) = (path, limitFile);

    public string Path { get; }

    public string LimitFile { get; }

    /// <summary>Makes a group below the first hierarchy that lets it have a limit.</summary>
    public static MemoryGroup Create(string limit)
    {
        var reason = "there is no hierarchy of control groups with the memory controller";
        foreach (var (folder, limitFile) in s_places)
        {
            if (!File.Exists($"{folder}/cgroup.procs"))
                continue;
            var group = new MemoryGroup($"{folder}/bittree-test-{Environment.ProcessId}", limitFile);
            try
            {
                Directory.CreateDirectory(group.Path);
                File.WriteAllText($"{group.Path}/{limitFile}", limit);
                return group;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                reason = $"no group with a limit can be made in {folder}: {e.Message}";
                group.Dispose();
            }
        }

        throw new NotSupportedException(reason);
    }

    public void Dispose()
    {
        // The kernel may need a moment to see that the group's last process is gone.
        for (var tries = 0; Directory.Exists(Path); tries++)
        {
            try
            {
                Directory.Delete(Path);
            }
            catch (IOException) when (tries < 100)
            {
                Thread.Sleep(10);
            }
        }
    }
}

/// <summary>A fact about a real control group; skipped, with the system's reason, where none with a memory limit can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfMemoryGroupAttribute : FactAttribute
{
    public FactIfMemoryGroupAttribute()
    {
        try
        {
            MemoryGroup.Create("268435456").Dispose();
        }
        catch (NotSupportedException e)
        {
            Skip = e.Message;
        }
    }
}
