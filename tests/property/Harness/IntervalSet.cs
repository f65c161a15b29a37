namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The live ranges by address. No two may share a byte.</summary>
internal sealed class IntervalSet
{
    private readonly List<(nuint Start, nuint Length, int Block)> _ranges = [];

    public int Count => _ranges.Count;

    /// <summary>Adds a range; false with the block it overlaps where it does.</summary>
    public bool TryAdd(nuint start, nuint length, int block, out int overlapped)
    {
        var at = IndexOfFirstFrom(start);
        if (at > 0 && _ranges[at - 1].Start + _ranges[at - 1].Length > start)
        {
            overlapped = _ranges[at - 1].Block;
            return false;
        }

        if (at < _ranges.Count && start + length > _ranges[at].Start)
        {
            overlapped = _ranges[at].Block;
            return false;
        }

        _ranges.Insert(at, (start, length, block));
        overlapped = -1;
        return true;
    }

    public void Remove(nuint start)
    {
        var at = IndexOfFirstFrom(start);
        if (at == _ranges.Count || _ranges[at].Start != start)
            throw new InvalidOperationException("No such range.");
        _ranges.RemoveAt(at);
    }

    private int IndexOfFirstFrom(nuint start)
    {
        var low = 0;
        var high = _ranges.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Start < start)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
