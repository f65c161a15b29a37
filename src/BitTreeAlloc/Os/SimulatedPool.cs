namespace BitTreeAlloc.Os;

/// <summary>A pool of huge pages of one size, and where they are. Guarded by its owner's gate.</summary>
internal sealed class SimulatedPool(int shift, int? pages)
{
    private readonly RangeMap<bool> _taken = new();

    public int Shift => shift;

    public bool Exists => pages is not null;

    public ulong FreePages { get; private set; } = (ulong)(pages ?? 0);

    public void Take(nuint start, nuint bytes)
    {
        FreePages -= bytes >> shift;
        _taken.Set(start, bytes, true);
    }

    /// <summary>Bytes of the range that are from here, in whole pages: one that lies in it in part does not count.</summary>
    public nuint WholeBytes(nuint start, nuint bytes)
    {
        nuint sum = 0;
        foreach (var piece in _taken.Within(start, bytes))
            sum += ((piece.Start | piece.End) & (((nuint)1 << shift) - 1)) == 0 ? piece.End - piece.Start : 0;
        return sum;
    }

    /// <summary>Takes back what of the range is from here.</summary>
    public void GiveBack(nuint start, nuint bytes)
    {
        foreach (var piece in _taken.Within(start, bytes))
            FreePages += (piece.End - piece.Start) >> shift;
        _taken.Set(start, bytes, null);
    }
}
