namespace BitTreeAlloc.Model.Engine;

/// <summary>What can be wrong with an execution.</summary>
public enum ModelErrorKind
{
    /// <summary>An assertion of the scenario, or of an end check, failed.</summary>
    Assertion,

    /// <summary>Two accesses, one of them a write and one of them plain, are not ordered by happens-before.</summary>
    DataRace,

    /// <summary>A slot or block was touched after it was freed.</summary>
    UseAfterFree,

    /// <summary>A slot or block was freed twice.</summary>
    DoubleFree,

    /// <summary>A pointer was freed that was never handed out.</summary>
    ForeignPointer,

    /// <summary>An address that is no location was touched.</summary>
    WildPointer,

    /// <summary>A page that is not committed, or was purged, was touched.</summary>
    UnmappedAccess,

    /// <summary>A word that was never written was read.</summary>
    Uninitialised,

    /// <summary>Something is owned by nobody at the end.</summary>
    Leak,

    /// <summary>Threads wait for each other.</summary>
    Deadlock,

    /// <summary>A loop repeats without anybody's progress.</summary>
    Livelock,

    /// <summary>With one thread stopped, another cannot finish.</summary>
    NotLockFree,

    /// <summary>The same reads led to another operation.</summary>
    Nondeterminism,

    /// <summary>More events, locations or stores than the engine holds.</summary>
    BoundExceeded,

    /// <summary>No order of the operations explains their results.</summary>
    NotLinearizable,
}

/// <summary>An error with its text.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Text">What happened.</param>
public sealed record ModelError(ModelErrorKind Kind, string Text)
{
    /// <summary>The thread in which it showed.</summary>
    public int Thread { get; init; }

    /// <summary>The managed stack, where a raw access was caught.</summary>
    public string? Stack { get; init; }
}

/// <summary>Carries an error out of the code under test.</summary>
public sealed class ModelErrorException(ModelErrorKind kind, string text) : Exception(text)
{
    /// <summary>The error.</summary>
    public ModelError Error { get; } = new(kind, text);
}

/// <summary>Unwinds a thread that waits or was stopped. Preallocated: it is control flow, not news.</summary>
internal sealed class ThreadStoppedException : Exception
{
    public static readonly ThreadStoppedException Instance = new();
}

/// <summary>Planted bugs of the engine itself: each has to be caught by the litmus counts, the published counts or the fuzz.</summary>
public enum EngineMutant
{
    /// <summary>The engine as it is.</summary>
    None,

    /// <summary>Stores revisit nothing.</summary>
    NoRevisits,

    /// <summary>Every event counts as maximally added.</summary>
    NoMaximality,

    /// <summary>The read itself is not asked for maximality.</summary>
    NoMaximalityOfRead,

    /// <summary>A store that was read may still be dropped.</summary>
    NoReaderTest,

    /// <summary>A store may go between another and the read-modify-write that read it.</summary>
    SplitRmw,

    /// <summary>Release sequences end at a read-modify-write.</summary>
    NoReleaseSequence,

    /// <summary>Acquire fences do nothing.</summary>
    NoAcquireFence,

    /// <summary>Release fences do nothing.</summary>
    NoReleaseFence,

    /// <summary>Acquire reads do nothing.</summary>
    NoAcquireRead,

    /// <summary>Release stores do nothing.</summary>
    NoReleaseStore,

    /// <summary>Relaxed reads acquire.</summary>
    RelaxedReadAcquires,

    /// <summary>Relaxed stores release.</summary>
    RelaxedStoreReleases,

    /// <summary>A read may read older than what a read before it read.</summary>
    NoReadReadCoherence,

    /// <summary>A read may read older than a store before it.</summary>
    NoWriteReadCoherence,

    /// <summary>A store may go before one that happens before it.</summary>
    NoWriteWriteCoherence,

    /// <summary>A store may go before one that was read before it.</summary>
    NoReadWriteCoherence,

    /// <summary>Stores go last in coherence order only.</summary>
    NoInnerPlaces,

    /// <summary>Reads read the newest store only, or are revisited.</summary>
    NoOlderSources,

    /// <summary>The model's own axiom is not asked.</summary>
    NoAxiom,

    /// <summary>A failed compare-exchange keeps its release half and writes nothing.</summary>
    FailedCasWrites,

    /// <summary>The write half of an old read-modify-write is not checked.</summary>
    NoPendingCheck,

    /// <summary>A read-modify-write that conflicts makes no revisits.</summary>
    NoRevisitsOfConflict,

    /// <summary>A revisited read keeps the happens-before it had.</summary>
    StaleViewsAfterRevisit,

    /// <summary>The events dropped by a revisit include those before the store.</summary>
    DropsPrefix,

    /// <summary>Revisits ignore where the store may stand in coherence order.</summary>
    RevisitAtEndOnly,

    /// <summary>Sequentially consistent fences are acquire and release fences only.</summary>
    WeakSeqCstFence,

    /// <summary>A compare-exchange that fails acquires nothing.</summary>
    FailedCasIsRelaxed,

    /// <summary>NET without the edge from a read-modify-write's store to an acquire read of it in its own thread.</summary>
    NoOwnRmwEdge,

    /// <summary>RC11's scb in the form of the paper: po to another location; hb; po to another location.</summary>
    PaperScb,

    /// <summary>RC11 without what orders two sequentially consistent fences through eco.</summary>
    NoFenceEco,
}
