using System.Globalization;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>Tests that touch gigabytes: one at a time, with nothing beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TouchesGigabytes
{
    public const string Name = "touches gigabytes";
}

/// <summary>W7: from 8 bytes to a gibibyte in steps of 1 %, at most twice the final size is copied; contents and alignment hold.</summary>
[Collection(TouchesGigabytes.Name)]
public sealed unsafe class ReallocInSmallSteps(ITestOutputHelper output)
{
    private const ulong Final = 1ul << 30;

    [Theory]
    [InlineData(1, Level.Fast)]
    [InlineData(4096, Level.Fast)]
    [InlineData(1, Level.Checked)]
    public void From_8_bytes_to_a_gibibyte_at_most_twice_the_final_size_is_copied(int alignment, Level level)
    {
        using var live = new LiveSet(new() { Level = level });
        var p = (byte*)live.Allocator.AllocAligned(ref live.Cache, 8, (nuint)alignment);
        var ends = new List<ulong> { 8 };
        new Span<byte>(p, 8).Fill(Pattern(0));
        var (copied, always, moves) = (0ul, 0ul, 0);
        for (var size = 8ul; size < Final;)
        {
            var next = Math.Min(Final, Math.Max(size + 1, size + (size / 100)));
            var usable = (ulong)live.Allocator.UsableSize(p);
            var moved = (byte*)(alignment == 1
                ? live.Allocator.Realloc(ref live.Cache, p, (nuint)next)
                : live.Allocator.ReallocAligned(ref live.Cache, p, (nuint)next, (nuint)alignment));
            if (moved != p)
                (copied, moves) = (copied + Math.Min(usable, next), moves + 1);
            always += size;
            p = moved;
            Assert.Equal(0ul, (ulong)p % (ulong)alignment);
            Assert.True(live.Allocator.UsableSize(p) >= next);
            Assert.Equal((Pattern(0), Pattern(ends.Count - 1)), (p[0], p[size - 1]));
            new Span<byte>(p + size, (int)(next - size)).Fill(Pattern(ends.Count));
            ends.Add(size = next);
        }

        for (var (step, start) = (0, 0ul); step < ends.Count; start = ends[step++])
        {
            if (new Span<byte>(p + start, (int)(ends[step] - start)).ContainsAnyExcept(Pattern(step)))
                Assert.Fail($"bytes {start} to {ends[step]} do not read as they were written");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"alignment {alignment}: {ends.Count} steps, {moves} moves, {copied} bytes copied, {copied / (double)Final:F3} of the final size; a move at each step: {always / (double)Final:F1}"));
        Assert.InRange(copied, 1ul, 2 * Final);
        Assert.True(always > 2 * Final); // the control: a realloc that always moves
        live.Allocator.Free(ref live.Cache, p);
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    }

    private static byte Pattern(int step) => (byte)((step * 37 % 255) + 1);
}
