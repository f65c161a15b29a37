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

    /// <summary>Whether memory goes back by itself.</summary>
    public PurgeMode Purging { get; init; } = PurgeMode.OnDemand;

    /// <summary>Alignment of every slot in bytes: 8 (sizes that are multiples of 16 get 16 all the same) or 16.</summary>
    public int MinimumAlignment { get; init; } = 8;

    /// <summary>Bytes of address space that the first reservation asks for; smaller ones are tried where it is refused. 0 takes the default.</summary>
    public ulong ReserveBytes { get; init; }

    /// <summary>Where addresses and pages come from; null takes the operating system. Tests pass a simulated one.</summary>
    public VmTable? VirtualMemory { get; init; }
}
