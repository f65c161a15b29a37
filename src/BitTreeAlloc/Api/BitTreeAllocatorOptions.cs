using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>When memory that is free again goes back to the operating system without being asked for.</summary>
public enum PurgeMode
{
    /// <summary>On demand: when fresh memory is about to be touched while much of the touched memory lies free (the profile says how much).</summary>
    OnDemand = 0,

    /// <summary>Only when <see cref="BitTreeAllocator.Trim()"/> is called, a limit is met or the system refuses memory.</summary>
    Off,
}

/// <summary>What a new allocator is made of. Checked by the constructor, which names the value, the limit and what to do.</summary>
public sealed class BitTreeAllocatorOptions
{
    /// <summary>The memory policy.</summary>
    public Profile Profile { get; init; } = Profile.Balanced;

    /// <summary>A policy of one's own; null takes the one that <see cref="Profile"/> stands for.</summary>
    public MemoryPolicy? Policy { get; init; }

    /// <summary>The form of the recycler's head.</summary>
    public CasWidth CasWidth { get; init; } = CasWidth.Auto;

    /// <summary>How much is checked at each call.</summary>
    public Level Level { get; init; } = Level.Auto;

    /// <summary>Whether memory goes back by itself.</summary>
    public PurgeMode Purging { get; init; } = PurgeMode.OnDemand;

    /// <summary>Alignment of every slot in bytes: 8 (sizes that are multiples of 16 get 16 all the same) or 16.</summary>
    public int MinimumAlignment { get; init; } = 8;

    /// <summary>Bytes of address space that the first reservation asks for; smaller ones are tried where it is refused. 0 takes the default.</summary>
    public ulong ReserveBytes { get; init; }

    /// <summary>
    /// Bytes that all caches of the allocator, and what waits between them, may hold together, however many threads there are. 0 takes the default: 1/32 of what is in use, at least 8 MiB.
    /// </summary>
    public ulong CacheBudgetBytes { get; init; }

    /// <summary>
    /// Whether <see cref="BitTreeAllocator.Trim()"/> and <see cref="BitTreeAllocator.Tick"/> take slots out of the ambient caches of threads that are not in a call. Otherwise every owner is only
    /// asked, and one that sleeps keeps what it has.
    /// </summary>
    public bool ClaimIdleCaches { get; init; } = true;

    /// <summary>
    /// Whether requests above <see cref="BitTreeAllocator.MaxMediumSize"/> and up to 1 GiB (alignments to 1 GiB) get exactly the pages of 2 MiB that they need, and give them back to the system when they are freed.
    /// Otherwise (the default) they are served from pools of powers of two, which keep what was freed.
    /// </summary>
    /// <remarks>
    /// <para>Choose it for few, large, long-lived pieces, and where addresses or the resident size count: no addresses and no memory beyond the request in steps of 2 MiB, and the resident size falls with
    /// every free. The price: a call to commit and the page faults of fresh memory for every allocation, a call to purge for every free. What allocates and frees the same sizes over and over wants the pools.</para>
    /// <para>A free run that cannot be purged (a sealed allocator, pages that the system refuses to take) stays charged; it serves requests of its length, and every <see cref="BitTreeAllocator.Tick"/>,
    /// <see cref="BitTreeAllocator.Trim()"/> and sweep for a limit tries again. So does what <see cref="BitTreeAllocator.Reserve(nuint, long)"/> made ready.</para>
    /// </remarks>
    public bool ExactRegions { get; init; }

    /// <summary>How often <see cref="BitTreeAllocator.Tick"/> is called by itself; infinite (the default) leaves it to the caller.</summary>
    public TimeSpan TickInterval { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>The clock of <see cref="TickInterval"/>; null takes the system's.</summary>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Charged bytes above which the allocator purges harder and raises <see cref="BitTreeAllocator.LimitReached"/>; 0: none. See <see cref="BitTreeAllocator.SoftLimitBytes"/>.</summary>
    public ulong SoftLimitBytes { get; init; }

    /// <summary>
    /// Charged bytes that the allocator never exceeds; 0: none, or the container's (<see cref="UseContainerLimit"/>). See <see cref="BitTreeAllocator.HardLimitBytes"/>. A fresh allocator charges about 1.9 MiB for its metadata with the default
    /// <see cref="ReserveBytes"/> (smaller ones less): a limit below that refuses everything.
    /// </summary>
    public ulong HardLimitBytes { get; init; }

    /// <summary>
    /// Whether limits are derived from the memory limit that the process lives under (cgroup v1 or v2), where <see cref="HardLimitBytes"/> is 0: the hard one is seven eighths of it, less what the process
    /// has resident when the allocator is made; the soft one, where that is 0 too, seven eighths of that. So an allocation that cannot fit fails with its reason instead of the process being killed. Each
    /// allocator counts for itself, and what else the process takes later (the managed heap, other allocators) has the remaining eighth.
    /// </summary>
    public bool UseContainerLimit { get; init; } = true;

    /// <summary>Where addresses and pages come from; null takes the operating system. Tests pass a simulated one.</summary>
    public VmTable? VirtualMemory { get; init; }

    /// <summary>Bytes of full magazines that the recycler of one class may hold; docs/adr/0009 has the sweep.</summary>
    internal ulong RecyclerBytesPerClass { get; init; } = 320 << 10;

    internal unsafe HeapPlan ToPlan() => new()
    {
        Os = VirtualMemory ?? SystemVirtualMemory.Table,
        MinimumAlignment = MinimumAlignment is 8 or 16 ? MinimumAlignment : throw Bad(nameof(MinimumAlignment), MinimumAlignment, "8 or 16; for more on single allocations use AllocAligned"),
        UseCas16 = Resolve(CasWidth) == CasWidth.Sixteen,
        Checked = Resolve(Level) == Level.Checked,
        Policy = EffectivePolicy.ToWords(),
        OnSealBroken = &BitTreeAllocator.EndForBrokenSeal,
        StretchBytes = ReserveBytes == 0 ? DefaultReserveBytes
            : ReserveBytes is >= MinReserveBytes and <= MaxReserveBytes ? System.Numerics.BitOperations.RoundUpToPowerOf2(ReserveBytes)
            : throw Bad(nameof(ReserveBytes), ReserveBytes, $"0 for the default, or {MinReserveBytes} to {MaxReserveBytes}; it is rounded up to a power of two"),
        RecyclerBytesPerClass = RecyclerBytesPerClass,
        MagazineBytes = EffectivePolicy.MagazineBytes,
        CacheBudgetBytes = CacheBudgetBytes,
        ClaimIdle = ClaimIdleCaches,
        ExactRegions = ExactRegions,
        HardLimitBytes = EffectiveLimits.Hard,
        SoftLimitBytes = EffectiveLimits.Soft,
    };

    /// <summary>The limits as set. Without a hard one the container's stands for it, and for the soft one where that is 0 too.</summary>
    internal (ulong Soft, ulong Hard) EffectiveLimits
    {
        get
        {
            if (HardLimitBytes != 0 && SoftLimitBytes > HardLimitBytes)
                throw Bad(nameof(SoftLimitBytes), SoftLimitBytes, $"0 for none, or at most HardLimitBytes ({HardLimitBytes}): above that it would never be met");
            if (HardLimitBytes != 0 || !UseContainerLimit || VirtualMemory is not null)
                return (SoftLimitBytes, HardLimitBytes);
            return WithContainer(SoftLimitBytes, ContainerLimits.Read().LimitBytes, (ulong)Environment.WorkingSet);
        }
    }

    /// <summary>A soft limit that was set alone leaves the container's hard one in force: it asks for more care, not for less.</summary>
    internal static (ulong Soft, ulong Hard) WithContainer(ulong softLimit, ulong containerLimit, ulong resident)
    {
        var (soft, hard) = FromContainer(containerLimit, resident);
        return (softLimit != 0 ? softLimit : soft, hard);
    }

    /// <summary>What an allocator may hold in a container of so many bytes of which the process has so many resident: an eighth is left to the runtime; never less than a sixteenth.</summary>
    internal static (ulong Soft, ulong Hard) FromContainer(ulong limit, ulong resident)
    {
        if (limit == 0)
            return (0, 0);
        var most = limit - (limit / 8);
        var hard = Math.Max(most - Math.Min(resident, most), limit / 16);
        return (hard - (hard / 8), hard);
    }

    /// <summary>The policy, or the profile's, with purging on demand taken out where <see cref="Purging"/> says so.</summary>
    internal MemoryPolicy EffectivePolicy
    {
        get
        {
            var policy = Policy ?? MemoryPolicy.Of(Profile);
            return Purging switch
            {
                PurgeMode.OnDemand => policy,
                PurgeMode.Off => policy with { FreeShare = null, TickPurgeBytes = 0 },
                _ => throw Bad(nameof(Purging), Purging, "OnDemand or Off"),
            };
        }
    }

    internal static void CheckInterval(TimeSpan interval)
    {
        // 49 days are what a timer takes.
        if (interval != Timeout.InfiniteTimeSpan && (interval < TimeSpan.FromMilliseconds(1) || interval > TimeSpan.FromDays(49)))
            throw Bad(nameof(TickInterval), interval, "Timeout.InfiniteTimeSpan, or a millisecond to 49 days");
    }

    private const ulong MinReserveBytes = 16ul << 20;
    private const ulong MaxReserveBytes = 64ul << 30;
    private const ulong DefaultReserveBytes = 16ul << 30;

    private static CasWidth Resolve(CasWidth asked)
    {
        if (asked is not (CasWidth.Auto or CasWidth.Eight or CasWidth.Sixteen))
            throw Bad(nameof(CasWidth), asked, "Auto, Eight or Sixteen");
        if (asked == CasWidth.Auto)
        {
            var forced = Environment.GetEnvironmentVariable("BITTREE_CAS");
            asked = forced switch
            {
                null or "" => CasStub.IsSupported ? CasWidth.Sixteen : CasWidth.Eight,
                "8" => CasWidth.Eight,
                "16" => CasWidth.Sixteen,
                _ => throw Bad("the environment variable BITTREE_CAS", forced, "8 or 16, or unset"),
            };
        }

        if (asked == CasWidth.Sixteen && !CasStub.IsSupported)
            throw new PlatformNotSupportedException($"16-byte compare-exchange cannot be had here ({CasStub.Reason}); ask for CasWidth.Auto or CasWidth.Eight, or unset BITTREE_CAS.");
        return asked;
    }

    private static Level Resolve(Level asked)
    {
        if (asked is not (Level.Auto or Level.Fast or Level.Checked))
            throw Bad(nameof(Level), asked, "Auto, Fast or Checked");
        if (asked != Level.Auto)
            return asked;
        var raised = Environment.GetEnvironmentVariable("BITTREE_CHECK");
        return raised switch
        {
            null or "" or "0" => Level.Fast,
            "1" => Level.Checked,
            _ => throw Bad("the environment variable BITTREE_CHECK", raised, "0 or 1, or unset"),
        };
    }

    private static ArgumentException Bad(string name, object value, string legal) => new($"{name} is {value}; it has to be {legal}.", name);
}
