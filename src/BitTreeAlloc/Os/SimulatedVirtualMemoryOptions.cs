namespace BitTreeAlloc.Os;

/// <summary>What a <see cref="SimulatedVirtualMemory"/> is made of. Sizes are in bytes.</summary>
public sealed class SimulatedVirtualMemoryOptions
{
    /// <summary>Bytes that may be backed at once; a Commit beyond is refused. Default: no bound.</summary>
    public ulong CapacityBytes { get; init; } = ulong.MaxValue;

    /// <summary>Bytes that may be reserved at once; a Reserve beyond finds the address space exhausted. Default: no bound but the system's.</summary>
    public ulong AddressSpaceBytes { get; init; } = ulong.MaxValue;

    /// <summary>Bytes of a page: a power of two, at least the system's page. 0 takes the system's.</summary>
    public int PageBytes { get; init; }

    /// <summary>Number of memory nodes to report, at least 1.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>How many of the latest calls <see cref="SimulatedVirtualMemory.Log"/> keeps; 0 keeps none.</summary>
    public int LogLimit { get; init; }

    /// <summary>Whether a Purge gives capacity back, as memory does (the default). Where false, pages count from Commit to Release,
    /// as a commit limit counts them (Linux with strict overcommit).</summary>
    public bool PurgeFreesCapacity { get; init; } = true;

    /// <summary>Whether purged pages lose access until the next Commit, so that any touch of them ends the process. Stricter than the contract, under which
    /// they stay readable and writable: only for tests that prove that nobody touches purged memory before it commits it again.</summary>
    public bool StrictPurge { get; init; }

    /// <summary>Where transparent huge pages are used. It decides what <see cref="SimulatedVirtualMemory.ResidentBytes"/> counts after a <see cref="SimulatedVirtualMemory.Touch"/>.
    /// <see cref="TransparentHugePageMode.Unknown"/>: advice about them is not supported. Default: where advised.</summary>
    public TransparentHugePageMode TransparentHugePages { get; init; } = TransparentHugePageMode.Madvise;

    /// <summary>Pages of 2 MiB in the system's pool of huge pages. 0: the pool is exhausted. Null (the default): there is no pool.</summary>
    public int? HugePages2MiB { get; init; }

    /// <summary>Pages of 1 GiB in the system's pool of huge pages. 0: the pool is exhausted. Null (the default): there is no pool.</summary>
    public int? HugePages1GiB { get; init; }

    /// <summary>Whether the system is short of memory at each lazy purge, and takes all its pages at once, so that they read as zero. The other extreme (the default) takes none: contents stay.</summary>
    public bool LazyPurgeTakesAtOnce { get; init; }
}
