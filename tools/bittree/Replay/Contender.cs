using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Verify;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>An allocator under test, by name. The generic subclass below holds the loops compiled for it.</summary>
/// <param name="name">Name in the table and in the JSON file.</param>
/// <param name="profile">Memory policy; null for allocators that have none.</param>
/// <param name="level">How much is checked; null for allocators that have no levels.</param>
internal abstract class Contender(string name, Profile? profile, Level? level)
{
    /// <summary>Name in the table and in the JSON file.</summary>
    public string Name { get; } = name;

    /// <summary>Memory policy; null for allocators that have none.</summary>
    public Profile? Profile { get; } = profile;

    /// <summary>How much is checked; null for allocators that have no levels.</summary>
    public Level? Level { get; } = level;

    /// <summary>Name, profile and level, for people.</summary>
    public string Label => Profile is null ? Name : Level == BitTreeAlloc.Level.Checked ? $"{Name} ({Profile}, checked)" : $"{Name} ({Profile})";

    /// <summary>True for what an allocator may throw; anything else is this tool's own fault and must not be taken for the allocator's.</summary>
    public static bool IsFailure(Exception e) =>
        e is OutOfMemoryException or InvalidOperationException or ArgumentException or NotSupportedException or OperationCanceledException;

    /// <summary>Replays once with every check.</summary>
    public abstract VerifyOutcome Verify(Workload workload);

    /// <summary>Opens the allocator for a series of timed rounds.</summary>
    public abstract TimedSeries StartTiming(Workload workload);

    /// <summary>Replays once, touching every byte, and reads the resident set. Meant for a process of its own.</summary>
    public abstract MemoryFigures MeasureMemory(Workload workload);

    /// <summary>Replays once for the first time, the runtime's own first times apart. Meant for a process of its own.</summary>
    public abstract ColdFigures MeasureCold(Workload workload);
}

/// <summary>Timed rounds on one allocator instance, which stays warm between them as the peers' process-wide heaps do.</summary>
internal abstract class TimedSeries : IDisposable
{
    /// <summary>Replays once; returns nanoseconds.</summary>
    public abstract double Round();

    /// <summary>Calls of the operating system so far; null where the allocator does not count them.</summary>
    public abstract long? OsCalls();

    /// <summary>Refills and flushes so far; null where the allocator does not count them.</summary>
    public abstract long? SlowPaths();

    /// <summary>Parks the caches; returns what the allocator counts as live although everything was freed.</summary>
    public abstract long Finish();

    /// <inheritdoc/>
    public abstract void Dispose();
}
