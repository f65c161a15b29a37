namespace BitTreeAlloc.Tool.Traces;

/// <summary>
/// A mix of sizes as programs ask for: most requests are of some dozen bytes, few are large, and those hold much of the memory. Drawn as a range with its weight, then evenly within it.
/// </summary>
internal static class SizeMix
{
    // Up to this many bytes; in so many of 1000 requests.
    private static readonly (int Least, int Most, int Weight)[] s_ranges =
    [
        (8, 16, 110), (17, 32, 230), (33, 64, 270), (65, 128, 160), (129, 256, 90), (257, 512, 60), (513, 1024, 40), (1025, 4096, 30), (4097, 16_384, 8), (16_385, 65_536, 2),
    ];

    /// <summary>The sum of the weights.</summary>
    public static int Weights { get; } = s_ranges.Sum(range => range.Weight);

    /// <summary>The largest size.</summary>
    public static int Largest => s_ranges[^1].Most;

    /// <summary>One size in bytes.</summary>
    public static uint Draw(Random random)
    {
        var at = random.Next(Weights);
        foreach (var (least, most, weight) in s_ranges)
        {
            at -= weight;
            if (at < 0)
                return (uint)random.Next(least, most + 1);
        }

        return (uint)Largest;
    }
}
