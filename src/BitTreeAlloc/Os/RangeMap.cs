namespace BitTreeAlloc.Os;

/// <summary>Values over ranges of addresses; neighbouring ranges of one value are one. Not thread-safe.</summary>
internal sealed class RangeMap<T>
    where T : struct, IEquatable<T>
{
    // Sorted, disjoint, none empty, no two neighbours of one value that touch.
    private readonly List<Piece> _pieces = [];

    /// <summary>How many ranges there are.</summary>
    public int Count => _pieces.Count;

    /// <summary>The value at an address, or null.</summary>
    public T? At(nuint address)
    {
        var index = FirstEndingAfter(address);
        return index < _pieces.Count && _pieces[index].Start <= address ? _pieces[index].Value : null;
    }

    /// <summary>Whether the whole range has the value.</summary>
    public bool Covers(nuint start, nuint bytes, T value)
    {
        var index = FirstEndingAfter(start);
        return index < _pieces.Count && _pieces[index] is var piece && piece.Start <= start && piece.End - start >= bytes && piece.Value.Equals(value);
    }

    /// <summary>The parts of the range that have a value, in order. A copy.</summary>
    public List<Piece> Within(nuint start, nuint bytes)
    {
        var (found, end) = (new List<Piece>(), start + bytes);
        for (var index = FirstEndingAfter(start); index < _pieces.Count && _pieces[index].Start < end; index++)
            found.Add(new Piece(nuint.Max(start, _pieces[index].Start), nuint.Min(end, _pieces[index].End), _pieces[index].Value));
        return found;
    }

    /// <summary>Gives the range a value, or takes it where that is null.</summary>
    public void Set(nuint start, nuint bytes, T? value)
    {
        var end = start + bytes;
        var first = FirstEndingAfter(start);
        var last = first;
        var (before, after) = (default(Piece?), default(Piece?));
        for (; last < _pieces.Count && _pieces[last].Start < end; last++)
        {
            var piece = _pieces[last];
            if (piece.Start < start)
                before = piece with { End = start };
            if (piece.End > end)
                after = piece with { Start = end };
        }

        _pieces.RemoveRange(first, last - first);
        foreach (var piece in new[] { before, value is { } set ? new Piece(start, end, set) : null, after })
        {
            if (piece is { } kept)
                _pieces.Insert(first++, kept);
        }

        for (var index = Math.Min(first, _pieces.Count - 1); index > 0 && _pieces[index].End >= start; index--)
        {
            var (left, right) = (_pieces[index - 1], _pieces[index]);
            if (left.End != right.Start || !left.Value.Equals(right.Value))
                continue;
            _pieces[index - 1] = left with { End = right.End };
            _pieces.RemoveAt(index);
        }
    }

    /// <summary>Gives [to, to + bytes) the values of [from, from + bytes).</summary>
    public void Copy(nuint from, nuint to, nuint bytes)
    {
        var pieces = Within(from, bytes);
        Set(to, bytes, null);
        foreach (var piece in pieces)
            Set(piece.Start - from + to, piece.End - piece.Start, piece.Value);
    }

    private int FirstEndingAfter(nuint address)
    {
        var (low, high) = (0, _pieces.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_pieces[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>[Start, End) has a value.</summary>
    internal readonly record struct Piece(nuint Start, nuint End, T Value);
}
