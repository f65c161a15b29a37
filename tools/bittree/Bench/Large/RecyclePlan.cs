namespace BitTreeAlloc.Tool.Bench.Large;

/// <summary>
/// Which slot gets which size, drawn before the clock runs. Random sizes come in blocks of 16 with one from each sixteenth of the range, in random order: any number of whole blocks has the same mix,
/// so that contenders of different speed, which do different numbers of operations in a round, can be compared.
/// </summary>
internal sealed class RecyclePlan(int thread, bool random)
{
    /// <summary>Slots of a thread.</summary>
    public const int Slots = 4;

    /// <summary>Operations of one mix.</summary>
    public const int Block = 16;

    /// <summary>The fixed size, in bytes.</summary>
    public const nuint Fixed = 8 << 20;

    /// <summary>The least random size.</summary>
    public const nuint Least = 2 << 20;

    /// <summary>No random size is above this.</summary>
    public const nuint Most = 64 << 20;

    private const int Seed = 5;
    private const int Count = 2048;
    private const nuint Multiple = 16;

    // size | slot: sizes are multiples of 16.
    private readonly ulong[] _steps = new ulong[Count];

    /// <summary>The number of steps, a power of two; after the last comes the first.</summary>
    public static int Length => Count;

    /// <summary>The steps: size | slot.</summary>
    public ulong[] Steps => _steps;

    /// <summary>The slot of a step.</summary>
    public static int SlotOf(ulong step) => (int)(step & (Slots - 1));

    /// <summary>The size of a step.</summary>
    public static nuint SizeOf(ulong step) => (nuint)(step & ~(ulong)(Multiple - 1));

    /// <summary>Draws the steps of a round.</summary>
    public void Draw(int round)
    {
        var generator = new Random(HashOf(round));
        Span<int> order = stackalloc int[Block];
        for (var i = 0; i < Block; i++)
            order[i] = i;
        for (var i = 0; i < Count; i++)
        {
            if (i % Block == 0)
                generator.Shuffle(order);
            var part = (order[i % Block] + generator.NextDouble()) / Block;
            var size = random ? Least + (nuint)(part * (Most - Least)) : Fixed;
            _steps[i] = (size & ~(Multiple - 1)) | (uint)generator.Next(Slots);
        }
    }

    // The same in every process, unlike HashCode.
    private int HashOf(int round) => Seed + (round * 7919) + (thread * 104729);
}
