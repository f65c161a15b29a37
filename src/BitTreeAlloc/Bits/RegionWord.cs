namespace BitTreeAlloc.Bits;

/// <summary>The life of a region.</summary>
public enum RegionPhase
{
    /// <summary>No pages behind it (unborn or purged); reads as zero once committed.</summary>
    Clean = 0,

    /// <summary>A user's; or free in a cache's slot, as its user left it: then its idle mark is set, and whoever takes it out of the slot has it.</summary>
    InUse = 1,

    /// <summary>Free, with pages behind it; on offer to all.</summary>
    Dirty = 2,
}

/// <summary>
/// Owns: the meaning of the one u64 that describes a region, a block with one slot; every change is a pure step from one value to the next. Lengths are in units of 2 MiB from the region's start.
/// Layout, high to low: committed:16 | touched:16 | in use:16 | spare:4 | giants:7 | stale | huge | phase:2 | claimed.
/// Invariants: I-Q1 in use ≤ touched ≤ committed; pages above touched were not written since they were clean, unless it is stale. I-Q2 touched is 0 while Clean, in use is 0 unless InUse. I-Q3 only the holder of
/// <c>claimed</c> changes a Dirty or Clean word, and only it commits or purges; a user's free may change the phase of a word that is held while InUse, and the holder then offers the region.
/// Callers: Core.Regions, Core.RegionPurge. Checked by: unit tests of the pure steps; the protocols by the explorer.
/// </summary>
public readonly struct RegionWord : IEquatable<RegionWord>
{
    private const int PhaseShift = 1;
    private const int InUseShift = 16;
    private const int TouchedShift = 32;
    private const int CommittedShift = 48;
    private const ulong ClaimedMask = 1;
    private const ulong PhaseMask = 3ul << PhaseShift;
    private const ulong HugeMask = 8;
    private const ulong StaleMask = 16;
    private const int GiantsShift = 5;
    private const ulong GiantsMask = 0x7Ful << GiantsShift;
    private const ulong UnitsMask = 0xFFFF;

    /// <summary>log2 of the bytes of a unit: 2 MiB.</summary>
    public const int UnitShift = 21;

    /// <summary>Wraps a word as read from memory.</summary>
    public RegionWord(ulong raw) => Raw = raw;

    /// <summary>The 64 bits.</summary>
    public ulong Raw { get; }

    /// <summary>Somebody holds the region.</summary>
    public bool IsClaimed => (Raw & ClaimedMask) != 0;

    /// <summary>The phase.</summary>
    public RegionPhase Phase => (RegionPhase)((Raw & PhaseMask) >> PhaseShift);

    /// <summary>Its pages come from the system's pool of huge pages.</summary>
    public bool IsHuge => (Raw & HugeMask) != 0;

    /// <summary>How many of the pool's pages are of 1 GiB (at most 64); the rest are of 2 MiB.</summary>
    public ulong Giants => (Raw & GiantsMask) >> GiantsShift;

    /// <summary>Pages were freed lazily: what is committed may hold what an earlier user left, clean or not.</summary>
    public bool IsStale => (Raw & StaleMask) != 0;

    /// <summary>Units that the user has.</summary>
    public ulong InUse => (Raw >> InUseShift) & UnitsMask;

    /// <summary>Units that may have pages behind them.</summary>
    public ulong Touched => (Raw >> TouchedShift) & UnitsMask;

    /// <summary>Units that may be touched.</summary>
    public ulong Committed => Raw >> CommittedShift;

    /// <summary>Free, on offer in that phase, and not held.</summary>
    public bool IsOffered(RegionPhase phase) => (Raw & (ClaimedMask | PhaseMask)) == (ulong)phase << PhaseShift;

    /// <summary>Takes hold.</summary>
    public RegionWord Claim() => new(Raw | ClaimedMask);

    /// <summary>Lets go, with nothing else changed.</summary>
    public RegionWord Unclaim() => new(Raw & ~ClaimedMask);

    /// <summary>The holder commits more, or gives all back to the pool; <paramref name="giants"/> counts the pool's pages of 1 GiB.</summary>
    public RegionWord WithCommitted(ulong units, bool huge, ulong giants = 0) =>
        new((Raw & ~((UnitsMask << CommittedShift) | HugeMask | GiantsMask)) | (units << CommittedShift) | (huge ? HugeMask | (giants << GiantsShift) : 0));

    /// <summary>The holder hands it to a user, or the user's own call makes it longer or shorter; not held after it.</summary>
    public RegionWord Used(ulong units) =>
        new((Raw & ((UnitsMask << CommittedShift) | HugeMask | GiantsMask | StaleMask)) | (Math.Max(units, Touched) << TouchedShift) | (units << InUseShift) | ((ulong)RegionPhase.InUse << PhaseShift));

    /// <summary>It goes on offer. Who holds it goes on holding it.</summary>
    public RegionWord Freed() => new((Raw & ~((UnitsMask << InUseShift) | PhaseMask)) | ((ulong)RegionPhase.Dirty << PhaseShift));

    /// <summary>
    /// The holder purged what lies behind <paramref name="units"/>, at once or lazily; it lets go. With none left, and nobody using it, it is clean. It stays stale: what an earlier lazy purge left may
    /// lie above what was touched since (see <see cref="AllPurged"/>).
    /// </summary>
    public RegionWord Purged(ulong units, bool lazily)
    {
        var left = (Raw & ~((UnitsMask << TouchedShift) | ClaimedMask)) | (units << TouchedShift) | (lazily ? StaleMask : 0);
        return new(units == 0 && Phase != RegionPhase.InUse ? left & ~PhaseMask : left);
    }

    /// <summary>The holder purged, at once, all that is committed: nothing of an earlier user is left.</summary>
    public RegionWord AllPurged() => new(Raw & ~StaleMask);

    /// <inheritdoc/>
    public bool Equals(RegionWord other) => Raw == other.Raw;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RegionWord other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Raw.GetHashCode();

    /// <summary>Same bits.</summary>
    public static bool operator ==(RegionWord left, RegionWord right) => left.Equals(right);

    /// <summary>Other bits.</summary>
    public static bool operator !=(RegionWord left, RegionWord right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Phase} in use {InUse} touched {Touched} committed {Committed}{(IsHuge ? " huge" : "")}{(IsClaimed ? " claimed" : "")}";
}
