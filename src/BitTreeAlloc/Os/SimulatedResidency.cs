namespace BitTreeAlloc.Os;

/// <summary>Which pages of a <see cref="SimulatedVirtualMemory"/> are resident, as far as it was told, in ordinary pages or in huge ones of 2 MiB. Guarded by its owner's gate.</summary>
/// <remarks>As Linux does it: the first touch of an empty 2 MiB unit that is wholly committed and may be huge makes all of it resident; the purge of a part splits it; nothing is collapsed later.</remarks>
internal sealed class SimulatedResidency(nuint pageBytes, TransparentHugePageMode mode)
{
    private const nuint HugeBytes = 2 << 20;

    private readonly nuint _unitBytes = nuint.Max(HugeBytes, pageBytes);
    private readonly Dictionary<nuint, Unit> _units = [];

    // True where huge pages were asked for, false where they were declined.
    private readonly RangeMap<bool> _advice = new();
    private ulong _hugeUnits;
    private ulong _pages;

    /// <summary>Bytes that are resident, huge ones included.</summary>
    public ulong ResidentBytes => (_pages * pageBytes) + TransparentBytes;

    /// <summary>Bytes that are resident in huge pages.</summary>
    public ulong TransparentBytes => _hugeUnits * _unitBytes;

    /// <summary>Advice about huge pages; the last one counts.</summary>
    public void Advise(nuint start, nuint bytes, bool huge) => _advice.Set(start, bytes, huge);

    /// <summary>The pages of the range become resident.</summary>
    /// <param name="start">The first page.</param>
    /// <param name="bytes">A multiple of the page.</param>
    /// <param name="isCommitted">Whether a whole unit is committed.</param>
    public void Touch(nuint start, nuint bytes, Func<nuint, nuint, bool> isCommitted) => ForEach(start, bytes, (unitStart, first, last) =>
    {
        if (!_units.TryGetValue(unitStart, out var unit))
            _units.Add(unitStart, unit = new Unit((int)(_unitBytes / pageBytes)));
        if (!unit.Huge && unit.Count == 0 && MayBeHuge(unitStart) && isCommitted(unitStart, _unitBytes))
        {
            unit.Huge = true;
            _hugeUnits++;
        }

        if (!unit.Huge)
            Set(unit, first, last, value: true);
    });

    /// <summary>The pages of the range are given back. A huge one that lies in it in part is split.</summary>
    public void Drop(nuint start, nuint bytes) => ForEach(start, bytes, (unitStart, first, last) =>
    {
        if (!_units.TryGetValue(unitStart, out var unit))
            return;
        if (unit.Huge)
        {
            unit.Huge = false;
            _hugeUnits--;
            Set(unit, 0, unit.Pages.Length, value: true);
        }

        Set(unit, first, last, value: false);
        if (unit.Count == 0)
            _units.Remove(unitStart);
    });

    /// <summary>The addresses are released: advice goes too.</summary>
    public void Forget(nuint start, nuint bytes)
    {
        // A reservation of terabytes has few units: they are looked through, not its addresses.
        foreach (var unit in _units.Keys.Where(unit => unit < start + bytes && unit + _unitBytes > start).ToArray())
            Drop(nuint.Max(unit, start), nuint.Min(unit + _unitBytes, start + bytes) - nuint.Max(unit, start));
        _advice.Set(start, bytes, null);
    }

    /// <summary>Pages and advice go to other addresses. A huge page stays one where both ends have the same offset in 2 MiB.</summary>
    public void Move(nuint from, nuint to, nuint bytes)
    {
        var moved = new List<(nuint Start, nuint Bytes, bool Huge)>();
        ForEach(from, bytes, (unitStart, first, last) =>
        {
            if (!_units.TryGetValue(unitStart, out var unit))
                return;
            var whole = unit.Huge && last - first == unit.Pages.Length && ((to - from) & (_unitBytes - 1)) == 0;
            for (var page = first; page < last && !whole; page++)
            {
                if (unit.Huge || unit.Pages[page])
                    moved.Add((unitStart + ((nuint)page * pageBytes), pageBytes, false));
            }

            if (whole)
                moved.Add((unitStart, _unitBytes, true));
        });
        Drop(to, bytes);
        Drop(from, bytes);
        _advice.Copy(from, to, bytes);
        foreach (var (start, length, huge) in moved)
        {
            ForEach(start - from + to, length, (unitStart, first, last) =>
            {
                if (!_units.TryGetValue(unitStart, out var unit))
                    _units.Add(unitStart, unit = new Unit((int)(_unitBytes / pageBytes)));
                unit.Huge = huge;
                _hugeUnits += huge ? 1ul : 0;
                if (!huge)
                    Set(unit, first, last, value: true);
            });
        }
    }

    private bool MayBeHuge(nuint unitStart) => _unitBytes == HugeBytes && mode switch
    {
        TransparentHugePageMode.Always => !_advice.Within(unitStart, _unitBytes).Exists(piece => !piece.Value),
        TransparentHugePageMode.Madvise => _advice.Covers(unitStart, _unitBytes, true),
        _ => false,
    };

    private void Set(Unit unit, int first, int last, bool value)
    {
        var pages = unit.Pages.AsSpan(first, last - first);
        var changed = pages.Count(!value);
        pages.Fill(value);
        unit.Count += value ? changed : -changed;
        _pages = value ? _pages + (ulong)changed : _pages - (ulong)changed;
    }

    // The units that the range lies in, each with its pages [first, last) of the range.
    private void ForEach(nuint start, nuint bytes, Action<nuint, int, int> action)
    {
        var end = start + bytes;
        for (var unit = start & ~(_unitBytes - 1); unit < end; unit += _unitBytes)
            action(unit, (int)((nuint.Max(start, unit) - unit) / pageBytes), (int)((nuint.Min(end, unit + _unitBytes) - unit) / pageBytes));
    }

    private sealed class Unit(int pages)
    {
        public bool[] Pages { get; } = new bool[pages];

        public int Count { get; set; }

        public bool Huge { get; set; }
    }
}
