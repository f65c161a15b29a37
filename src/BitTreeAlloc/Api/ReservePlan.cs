using System.Collections;

namespace BitTreeAlloc;

/// <summary>One line of a plan: so many allocations of a size.</summary>
/// <param name="Size">Bytes of one, to <see cref="BitTreeAllocator.MaxRegionSize"/>.</param>
/// <param name="Count">How many there are to be, live ones included.</param>
public readonly record struct ReserveLine(nuint Size, long Count);

/// <summary>What is to be made ready: <c>new ReservePlan { { 64, 100_000 }, { 8 &lt;&lt; 20, 16 } }</c>.</summary>
public sealed class ReservePlan : IEnumerable<ReserveLine>
{
    private readonly List<ReserveLine> _lines = [];

    /// <summary>Adds a line.</summary>
    public void Add(nuint size, long count) => _lines.Add(new(size, count));

    /// <inheritdoc/>
    public IEnumerator<ReserveLine> GetEnumerator() => _lines.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>What became of one line of a plan.</summary>
/// <param name="Size">As asked for.</param>
/// <param name="Count">As asked for.</param>
/// <param name="Reached">How many there are now, live ones included: the count or more where whole blocks were made ready or more had been there, fewer where memory was refused.</param>
/// <param name="Error">Why fewer, or <see cref="AllocError.None"/>.</param>
public readonly record struct ReserveResult(nuint Size, long Count, long Reached, AllocError Error);
