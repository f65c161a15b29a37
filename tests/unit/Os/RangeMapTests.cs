using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

public sealed class RangeMapTests
{
    private const int Cells = 64;

    /// <summary>Random changes against an array with a cell for each address.</summary>
    [Fact]
    public void Ranges_agree_with_an_array_of_cells_and_are_as_few_as_can_be() => Seeded.Run(50, random =>
    {
        var map = new RangeMap<int>();
        var cells = new int?[Cells];
        for (var step = 0; step < 60; step++)
        {
            var (start, to) = (random.Next(Cells), random.Next(Cells));
            var bytes = random.Next(1, Cells - Math.Max(start, to) + 1);
            int? value = random.Next(4) is var picked && picked == 0 ? null : picked;
            if (random.Next(5) == 0)
            {
                map.Copy((nuint)start, (nuint)to, (nuint)bytes);
                cells.AsSpan(start, bytes).ToArray().CopyTo(cells, to);
            }
            else
            {
                map.Set((nuint)start, (nuint)bytes, value);
                cells.AsSpan(start, bytes).Fill(value);
            }

            Assert.Equal(cells, Enumerable.Range(0, Cells).Select(at => map.At((nuint)at)));
            Assert.Equal(Enumerable.Range(0, Cells).Count(at => cells[at] is not null && (at == 0 || cells[at - 1] != cells[at])), map.Count);
            var probe = cells.AsSpan(start, bytes).ToArray();
            Assert.Equal(Array.TrueForAll(probe, cell => cell == 2), map.Covers((nuint)start, (nuint)bytes, 2));
            Assert.Equal(probe.Count(cell => cell is not null), map.Within((nuint)start, (nuint)bytes).Sum(piece => (int)(piece.End - piece.Start)));
        }
    });
}
