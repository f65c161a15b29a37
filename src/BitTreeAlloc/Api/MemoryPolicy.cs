using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>Which huge pages an allocator asks for.</summary>
public enum HugePages
{
    /// <summary>None: where the system uses transparent huge pages unasked, it is advised against them.</summary>
    Never = 0,

    /// <summary>Transparent huge pages for regions above 4 MiB (where rounding to 2 MiB costs little), by advice.</summary>
    Regions,

    /// <summary>Transparent huge pages for all regions, and for blocks above 32 MiB of them, by advice: below, a huge page is too much of a program (python trace: peak 1.82 of live instead of 1.43).</summary>
    Dense,

    /// <summary>As <see cref="Dense"/>; regions are taken from the system's pool of huge pages first (1 GiB, then 2 MiB), where it has any, and are resident then.</summary>
    Pool,
}

/// <summary>
/// What a memory policy decides. The four <see cref="Profile"/>s are named values of it; <c>MemoryPolicy.Of(Profile.Balanced) with { GrowthDampener = 3 }</c> makes one of your own. Immutable.
/// </summary>
public sealed record MemoryPolicy
{
    private const double SlackUnit = 1024;
    private const int MostSteadyShare = 63;

    /// <summary>
    /// How much may be touched beyond the recent peak of use before fresh memory is taken, as a share of present use: 0.125 stands for an eighth. Above it free pages go back first. Null: nothing goes back
    /// by itself. 0 to 1024, in steps of 1/1024. Below 4 MiB touched no page of small sizes goes back by itself either.
    /// </summary>
    public double? FreeShare { get; init; }

    /// <summary>
    /// How much of the recent peak of use may be touched beyond it, besides <see cref="FreeShare"/>, where free pages of small sizes go back again and again although use does not grow: what goes back is touched
    /// next, each time at the price of a page fault. Comes step by step, by doubling, and ends when use grows. 0 to 63, in steps of 1/1024.
    /// </summary>
    public double SteadyShare { get; init; } = 1;

    /// <summary>Bytes by which touched memory grows, at least, between two times that free pages go back so: smaller steps hold less memory and take more page faults.</summary>
    public ulong PurgeStepBytes { get; init; } = 512 << 10;

    /// <summary>
    /// Bytes of slots that a cache takes from the blocks at once, and keeps twice of, for each class of small sizes: as many slots as fit, 4 to 125. Fixed when the allocator is made: a later change has no
    /// effect. 1 KiB to 1 MiB.
    /// </summary>
    public int MagazineBytes { get; init; } = ClassPlan.MagazineBytes;

    /// <summary>Bytes of free regions of each class, and of empty blocks, that one tick gives back to the system (in steps of 2 MiB); 0: none.</summary>
    public ulong TickPurgeBytes { get; init; }

    /// <summary>Whether a freed region goes back to the system at once where its cache keeps one of its class already.</summary>
    public bool EagerReturn { get; init; }

    /// <summary>Each reservation for regions of a class is larger than the last by 1 / (1 + this) of it, and by 32 MiB at least. 0 doubles.</summary>
    public uint GrowthDampener { get; init; }

    /// <summary>Whether free regions are only marked for the system to take when it is short: cheaper, but resident memory does not fall until then. <see cref="AllocatorStatistics.LazilyFreedBytes"/> counts them.</summary>
    public bool LazyPurge { get; init; }

    /// <summary>Which huge pages are asked for. Takes effect for what is reserved or committed after the change.</summary>
    public HugePages HugePages { get; init; }

    /// <summary>The policy that a profile stands for.</summary>
    /// <exception cref="ArgumentException">No such profile.</exception>
    public static MemoryPolicy Of(Profile profile) => profile switch
    {
        Profile.LowLatency => new() { FreeShare = 0.25, TickPurgeBytes = 0, HugePages = HugePages.Dense },
        Profile.Balanced => new() { FreeShare = 0.18, SteadyShare = 0.8, TickPurgeBytes = 32 << 20, HugePages = HugePages.Regions },
        Profile.Frugal => new() { FreeShare = 0.03, SteadyShare = 0.1, PurgeStepBytes = 320 << 10, MagazineBytes = 16 << 10, TickPurgeBytes = 1ul << 30, EagerReturn = true, GrowthDampener = 3, HugePages = HugePages.Never },
        Profile.LargeBuffers => new() { FreeShare = 0.25, TickPurgeBytes = 256 << 20, HugePages = HugePages.Dense },
        _ => throw new ArgumentException($"Profile is {profile}; it has to be {string.Join(", ", Enum.GetNames<Profile>())}.", nameof(profile)),
    };

    internal Policy ToWords()
    {
        if (FreeShare is { } share && !(share >= 0 && share <= SlackUnit))
            throw new ArgumentException($"FreeShare is {share}; it has to be 0 to 1024, or null for none to go back by itself.", nameof(FreeShare));
        if (!(SteadyShare >= 0 && SteadyShare <= MostSteadyShare))
            throw new ArgumentException($"SteadyShare is {SteadyShare}; it has to be 0 to {MostSteadyShare}.", nameof(SteadyShare));
        if (MagazineBytes is < ClassPlan.LeastMagazineBytes or > ClassPlan.MostMagazineBytes)
            throw new ArgumentException($"MagazineBytes is {MagazineBytes}; it has to be {ClassPlan.LeastMagazineBytes} to {ClassPlan.MostMagazineBytes}.", nameof(MagazineBytes));
        if (!Enum.IsDefined(HugePages))
            throw new ArgumentException($"HugePages is {HugePages}; it has to be {string.Join(", ", Enum.GetNames<HugePages>())}.", nameof(HugePages));
        return new Policy
        {
            PurgeSlack = FreeShare is { } free ? (ulong)(free * SlackUnit) : Policy.Never,
            SteadySlack = (ulong)(SteadyShare * SlackUnit),
            PurgeStep = PurgeStepBytes,
            TickPurgeBytes = TickPurgeBytes,
            EagerReturn = EagerReturn ? 1ul : 0,
            GrowthDampener = GrowthDampener,
            LazyPurge = LazyPurge ? 1ul : 0,
            HugeRegionClass = HugePages switch { HugePages.Never => Policy.Never, HugePages.Regions => 2, _ => 0 },
            HugeBlockBytes = HugePages >= HugePages.Dense ? 32 << 20 : Policy.Never,
            HugePool = HugePages == HugePages.Pool ? 1ul : 0,
        };
    }
}
