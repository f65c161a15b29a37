namespace BitTreeAlloc.Os;

/// <summary>What a <see cref="SimulatedVirtualMemory"/> knows of a page.</summary>
internal enum SimulatedPage : byte
{
    /// <summary>Reserved: no access.</summary>
    Reserved = 0,

    /// <summary>Committed and counted as backed.</summary>
    Backed,

    /// <summary>Committed, purged since, and not committed again.</summary>
    Purged,

    /// <summary>Backed by a pool of huge pages: committed, and not counted.</summary>
    Huge,
}

/// <summary>The book of one <see cref="SimulatedVirtualMemory"/>: its reservations and the state of every page. Guarded by its owner's gate.</summary>
/// <remarks>States are kept in chunks that exist once a page of theirs was committed, so that a reservation of terabytes costs nothing.</remarks>
internal sealed class SimulatedPages(nuint pageBytes)
{
    private const nuint ChunkPages = 4096;

    // Sorted by start, which are disjoint ranges.
    private readonly List<Reservation> _reservations = [];

    public ulong ReservedBytes { get; private set; }

    public ulong BackedBytes => _backedPages * pageBytes;

    public ulong CommittedBytes => (_backedPages + _purgedPages + _hugePages) * pageBytes;

    /// <summary>Bytes that are backed by pools of huge pages.</summary>
    public ulong PoolBytes => _hugePages * pageBytes;

    public IReadOnlyList<Reservation> Reservations => _reservations;

    private ulong _backedPages;
    private ulong _purgedPages;
    private ulong _hugePages;

    public void Add(nuint start, nuint bytes)
    {
        _reservations.Insert(FirstAfter(start), new Reservation(start, bytes));
        ReservedBytes += bytes;
    }

    /// <summary>The reservation that the whole range lies in, or null.</summary>
    public Reservation? Find(nuint start, nuint bytes)
    {
        var index = FirstAfter(start) - 1;
        if (index < 0)
            return null;
        var candidate = _reservations[index];
        var offset = start - candidate.Start;
        return offset < candidate.Bytes && bytes <= candidate.Bytes - offset ? candidate : null;
    }

    public void Remove(Reservation reservation)
    {
        SetAll(reservation, reservation.Start, reservation.Bytes, SimulatedPage.Reserved);
        _reservations.Remove(reservation);
        ReservedBytes -= reservation.Bytes;
    }

    /// <summary>How many pages of the range are in a state.</summary>
    public ulong Count(Reservation reservation, nuint start, nuint bytes, SimulatedPage state)
    {
        ulong count = 0;
        for (nuint page = (start - reservation.Start) / pageBytes, end = page + (bytes / pageBytes); page < end;)
        {
            var run = nuint.Min(end - page, ChunkPages - (page % ChunkPages));
            if (reservation.Chunks.TryGetValue(page / ChunkPages, out var chunk))
                count += (ulong)chunk.AsSpan((int)(page % ChunkPages), (int)run).Count(state);
            else if (state == SimulatedPage.Reserved)
                count += run;
            page += run;
        }

        return count;
    }

    /// <summary>Puts every page of the range into a state and keeps the totals.</summary>
    public void SetAll(Reservation reservation, nuint start, nuint bytes, SimulatedPage state)
    {
        _backedPages -= Count(reservation, start, bytes, SimulatedPage.Backed);
        _purgedPages -= Count(reservation, start, bytes, SimulatedPage.Purged);
        _hugePages -= Count(reservation, start, bytes, SimulatedPage.Huge);
        for (nuint page = (start - reservation.Start) / pageBytes, end = page + (bytes / pageBytes); page < end;)
        {
            var run = nuint.Min(end - page, ChunkPages - (page % ChunkPages));
            if (!reservation.Chunks.TryGetValue(page / ChunkPages, out var chunk) && state != SimulatedPage.Reserved)
                reservation.Chunks.Add(page / ChunkPages, chunk = new SimulatedPage[ChunkPages]);
            chunk?.AsSpan((int)(page % ChunkPages), (int)run).Fill(state);
            page += run;
        }

        if (state == SimulatedPage.Backed)
            _backedPages += bytes / pageBytes;
        else if (state == SimulatedPage.Purged)
            _purgedPages += bytes / pageBytes;
        else if (state == SimulatedPage.Huge)
            _hugePages += bytes / pageBytes;
    }

    /// <summary>The states of a committed range go to another; the origin counts as purged.</summary>
    public void Move(Reservation origin, nuint from, Reservation destination, nuint to, nuint bytes)
    {
        for (nuint done = 0; done < bytes;)
        {
            var page = (from + done - origin.Start) / pageBytes;
            var run = nuint.Min((bytes - done) / pageBytes, ChunkPages - (page % ChunkPages));
            var states = origin.Chunks[page / ChunkPages].AsSpan((int)(page % ChunkPages), (int)run);
            var same = states.IndexOfAnyExcept(states[0]);
            run = same < 0 ? run : (nuint)same;
            SetAll(destination, to + done, run * pageBytes, states[0]);
            done += run * pageBytes;
        }

        SetAll(origin, from, bytes, SimulatedPage.Purged);
    }

    private int FirstAfter(nuint address)
    {
        var (low, high) = (0, _reservations.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_reservations[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>What one call of Reserve returned.</summary>
    internal sealed class Reservation(nuint start, nuint bytes)
    {
        public nuint Start { get; } = start;

        public nuint Bytes { get; } = bytes;

        public Dictionary<nuint, SimulatedPage[]> Chunks { get; } = [];
    }
}
