namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>What a soak is made of.</summary>
internal sealed record SoakPlan
{
    /// <summary>How long, the last cycle rounded up.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Of everything random but the threads' interleaving.</summary>
    public required int Seed { get; init; }

    /// <summary>Worker threads; two more start and end threads and direct the rest.</summary>
    public int Workers { get; init; } = 3;

    /// <summary>Growth and shrink together. The pauses between cycles come on top.</summary>
    public TimeSpan Cycle { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>A thread that ends no operation for so long hangs. Far above any pause of a loaded machine.</summary>
    public TimeSpan Hang { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a line tells how far it is.</summary>
    public TimeSpan Progress { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Stands between the driver and an allocator; a planted mistake lives here.</summary>
    public Func<BitTreeAllocator, SoakCalls> Calls { get; init; } = allocator => new SoakCalls(allocator);

    /// <summary>Where lines of progress go.</summary>
    public Action<string> Say { get; init; } = _ => { };
}
