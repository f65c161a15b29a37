namespace BitTreeAlloc.Bits;

/// <summary>The life of a block. A class owns it only while it is <see cref="InUse"/>.</summary>
public enum BlockPhase
{
    /// <summary>No pages behind it (unborn or purged); reads as zero once committed.</summary>
    Clean = 0,

    /// <summary>Belongs to a class.</summary>
    InUse = 1,

    /// <summary>Resident, no slot outside, belongs to no class.</summary>
    Empty = 2,
}

/// <summary>
/// Owns: the meaning of the one u64 that describes a block; every change is a pure step from one value to the next, applied by one compare-exchange.
/// Layout, high to low: free:24 (signed) | cursor:20 | spare:5 | needs commit | class:8 | phase:3 | zero | resident | claimed.
/// Invariants: I-W1 free = set slot bits − slots whose bit is set but whose count is still to come, so it may be briefly negative. I-W2 only the holder of <c>claimed</c> clears
/// slot bits, moves the cursor, changes class, phase, zero or resident. I-W3 cursor never exceeds the class's capacity.
/// Callers: Core.Blocks, Core.Births, Core.Sweeper. Checked by: unit tests of the pure steps; the protocols by the explorer.
/// </summary>
public readonly struct BlockWord : IEquatable<BlockWord>
{
    private const int ResidentBit = 1;
    private const int ZeroBit = 2;
    private const int PhaseShift = 3;
    private const int ClassShift = 6;
    private const int NeedsCommitBit = 14;
    private const int CursorShift = 20;
    private const int FreeShift = 40;
    private const ulong ClaimedMask = 1;
    private const ulong PhaseMask = 7ul << PhaseShift;
    private const ulong ClassMask = 255ul << ClassShift;
    private const ulong CursorMask = ((1ul << 20) - 1) << CursorShift;

    /// <summary>Largest number of slots a block can have.</summary>
    public const int MaxSlots = (1 << 20) - 1;

    /// <summary>Wraps a word as read from memory.</summary>
    public BlockWord(ulong raw) => Raw = raw;

    /// <summary>The 64 bits.</summary>
    public ulong Raw { get; }

    /// <summary>Somebody holds the block.</summary>
    public bool IsClaimed => (Raw & ClaimedMask) != 0;

    /// <summary>Pages may lie behind it.</summary>
    public bool IsResident => (Raw >> ResidentBit & 1) != 0;

    /// <summary>What lies above the cursor was never written since the pages were clean.</summary>
    public bool IsZeroAboveCursor => (Raw >> ZeroBit & 1) != 0;

    /// <summary>The phase.</summary>
    public BlockPhase Phase => (BlockPhase)((Raw & PhaseMask) >> PhaseShift);

    /// <summary>The class, meaningful while <see cref="BlockPhase.InUse"/>.</summary>
    public int Class => (int)((Raw & ClassMask) >> ClassShift);

    /// <summary>Slots below the cursor were handed out at least once.</summary>
    public int Cursor => (int)((Raw & CursorMask) >> CursorShift);

    /// <summary>Free slots below the cursor that are counted.</summary>
    public int Free => (int)((long)Raw >> FreeShift);

    /// <summary>Whether a taker finds something in it.</summary>
    public bool IsAvailable(int capacity) => Free > 0 || Cursor < capacity;

    /// <summary>Every slot below the cursor is home and counted.</summary>
    public bool IsAllHome => Free == Cursor;

    /// <summary>A purge took pages of it that the system did not commit again: nobody may be handed a slot until a sweep has them back.</summary>
    public bool NeedsCommit => (Raw >> NeedsCommitBit & 1) != 0;

    /// <summary>In use by that class, whole, and not held: T2 may claim it.</summary>
    public bool CanClaimFor(int sizeClass) => (Raw & (ClaimedMask | PhaseMask | ClassMask | (1ul << NeedsCommitBit))) == (((ulong)BlockPhase.InUse << PhaseShift) | ((ulong)sizeClass << ClassShift));

    /// <summary>T2, E1, D1: takes hold.</summary>
    public BlockWord Claim() => new(Raw | ClaimedMask);

    /// <summary>Notes, while held, whether pages are missing.</summary>
    public BlockWord WithNeedsCommit(bool missing) => new((Raw & ~(1ul << NeedsCommitBit)) | (missing ? 1ul << NeedsCommitBit : 0));

    /// <summary>T4: the holder took <paramref name="taken"/> free slots and carved <paramref name="carved"/> new ones, and lets go.</summary>
    public BlockWord Release(int taken, int carved) => new((Raw - ((ulong)taken << FreeShift) + ((ulong)carved << CursorShift)) & ~ClaimedMask);

    /// <summary>G2: <paramref name="count"/> slots whose bits are set come home.</summary>
    public BlockWord Give(int count) => new(Raw + ((ulong)count << FreeShift));

    /// <summary>B1: the holder gives an empty or clean block to a class; still claimed.</summary>
    public BlockWord Born(int sizeClass)
    {
        var zero = Phase == BlockPhase.Clean ? 1ul << ZeroBit : 0;
        return new(ClaimedMask | (1ul << ResidentBit) | zero | ((ulong)BlockPhase.InUse << PhaseShift) | ((ulong)sizeClass << ClassShift));
    }

    /// <summary>E1: the holder takes an all-home block out of its class and lets go.</summary>
    public static BlockWord Emptied => new((1ul << ResidentBit) | ((ulong)BlockPhase.Empty << PhaseShift));

    /// <summary>D2: the pages went back; lets go.</summary>
    public static BlockWord Cleaned => new(1ul << ZeroBit);

    /// <inheritdoc/>
    public bool Equals(BlockWord other) => Raw == other.Raw;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BlockWord other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Raw.GetHashCode();

    /// <summary>Same bits.</summary>
    public static bool operator ==(BlockWord left, BlockWord right) => left.Equals(right);

    /// <summary>Other bits.</summary>
    public static bool operator !=(BlockWord left, BlockWord right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Phase}{(Phase == BlockPhase.InUse ? $" class {Class}" : "")} free {Free} cursor {Cursor}{(IsZeroAboveCursor ? " zero" : "")}{(IsResident ? " resident" : "")}{(IsClaimed ? " claimed" : "")}";
}
