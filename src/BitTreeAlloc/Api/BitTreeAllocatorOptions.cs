using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>When memory that is free again goes back to the operating system without being asked for.</summary>
public enum PurgeMode
{
    /// <summary>On demand: when fresh memory is about to be touched while much of the touched memory lies free (the profile says how much).</summary>
    OnDemand = 0,

    /// <summary>Only when <see cref="BitTreeAllocator.Trim()"/> is called.</summary>
    Off,
}

/// <summary>What a new allocator is made of. Checked by the constructor, which names the value, the limit and what to do.</summary>
public sealed class BitTreeAllocatorOptions
{
    /// <summary>The memory policy.</summary>
    public Profile Profile { get; init; } = Profile.Balanced;

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

    /// <summary>Where addresses and pages come from; null takes the operating system. Tests pass a simulated one.</summary>
    public VmTable? VirtualMemory { get; init; }

    internal HeapPlan ToPlan() => new()
    {
        Os = VirtualMemory ?? SystemVirtualMemory.Table,
        MinimumAlignment = MinimumAlignment is 8 or 16 ? MinimumAlignment : throw Bad(nameof(MinimumAlignment), MinimumAlignment, "8 or 16; for more on single allocations use AllocAligned"),
        UseCas16 = Resolve(CasWidth) == CasWidth.Sixteen,
        Checked = Resolve(Level) == Level.Checked,
        PurgeOnDemand = Enum.IsDefined(Purging) ? Purging == PurgeMode.OnDemand : throw Bad(nameof(Purging), Purging, "OnDemand or Off"),
        PurgeSlack = Profile switch
        {
            Profile.LowLatency => 512,
            Profile.Balanced or Profile.LargeBuffers => 128,
            Profile.Frugal => 24,
            _ => throw Bad(nameof(Profile), Profile, string.Join(", ", Enum.GetNames<Profile>())),
        },
        StretchBytes = ReserveBytes == 0 ? DefaultReserveBytes
            : ReserveBytes is >= MinReserveBytes and <= MaxReserveBytes ? System.Numerics.BitOperations.RoundUpToPowerOf2(ReserveBytes)
            : throw Bad(nameof(ReserveBytes), ReserveBytes, $"0 for the default, or {MinReserveBytes} to {MaxReserveBytes}; it is rounded up to a power of two"),
        RecyclerBytesPerClass = 64 << 10,
    };

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
