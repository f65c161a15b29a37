namespace BitTreeAlloc.Model.Scenarios;

/// <summary>How the heap of a <see cref="CacheScenario"/> is at first. Slots are given out in this order: loaded and put aside by record 0, 1, …, in the recycler, hands of thread 0, 1, …, home.</summary>
internal sealed record CacheStart
{
    /// <summary>Slots in the loaded magazine of a stocked record, which holds two; −1 for no magazine.</summary>
    public int Loaded { get; init; } = -1;

    /// <summary>Whether a stocked record has put a full magazine aside.</summary>
    public bool Spare { get; init; }

    /// <summary>Records from number 0 on that have something loaded and put aside; the others have no magazine.</summary>
    public int Stocked { get; init; } = 1;

    /// <summary>Full magazines in the recycler, 0 or 1.</summary>
    public int Recycled { get; init; }

    /// <summary>Slots in the hands of each thread.</summary>
    public int[] Hands { get; init; } = [];

    /// <summary>Slots at home in blocks in use.</summary>
    public int Home { get; init; }

    /// <summary>Resident blocks of no class.</summary>
    public int Empty { get; init; }

    /// <summary>Blocks behind the frontier.</summary>
    public int Unborn { get; init; }

    /// <summary>Records with an owner: threads 0, 1, … own one each, or, where <see cref="Dead"/>, record 0 belongs to a thread that is gone.</summary>
    public int Owned { get; init; } = 1;

    /// <summary>Records that nobody owns, on the free stack.</summary>
    public int Free { get; init; }

    /// <summary>Empty magazines on their stack.</summary>
    public int Magazines { get; init; } = 1;

    /// <summary>Each owned record, of an explicit cache, has an empty magazine of its own at hand.</summary>
    public bool OwnEmpty { get; init; }

    /// <summary>Slots that the byte budget of the caches allows, of which all that lies in magazines is granted; the next refusal asks for relief. 0 for a budget that is never used up.</summary>
    public int BudgetSlots { get; init; }

    /// <summary>Slots for which record 0 has a grant at hand and no magazine.</summary>
    public int AtHand { get; init; }

    /// <summary>At the end record 1 has a magazine: it was relieved.</summary>
    public bool IsRelieved { get; init; }

    /// <summary>The caches are ambient: owners say at every call that they are inside, and records may be claimed.</summary>
    public bool Ambient { get; init; }

    /// <summary>The owner of record 0 is gone.</summary>
    public bool Dead { get; init; }

    /// <summary>The first look of a probe took place: the owner of record 0 was in a call since the last tick.</summary>
    public bool Used { get; init; }

    /// <summary>At the end record 0 holds nothing.</summary>
    public bool IsEmptied { get; init; }

    /// <summary>The class keeps no block when it is empty.</summary>
    public bool KeepsNone { get; init; }

    /// <summary>The system refuses some calls: every way is explored.</summary>
    public bool Refuses { get; init; }

    /// <summary>The system commits nothing.</summary>
    public bool RefusesAll { get; init; }

    /// <summary>An allocation may find nothing: all there is may be on its way between others.</summary>
    public bool MayFail { get; init; }

    /// <summary>Slots that lie in the caches of stocked records and in the recycler.</summary>
    public int Cached => (Stocked * PerRecord) + (2 * Recycled);

    /// <summary>Slots that a stocked record has.</summary>
    public int PerRecord => Math.Max(0, Loaded) + (Spare ? 2 : 0);
}
