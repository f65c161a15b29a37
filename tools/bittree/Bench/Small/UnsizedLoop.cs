using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>Frees without a size, and the same operations with one: half of them pairs, half of them a batch. The time is that without.</summary>
internal sealed class UnsizedLoop() : SmallLoop("unsized", "1 000 pairs, then a batch of 1 000 oldest first, 16 to 1024 bytes, freed without a size; and the same with sizes for comparison.")
{
    /// <inheritdoc/>
    public override Abilities Needs => Abilities.Small | Abilities.Unsized;

    /// <inheritdoc/>
    public override int Granule => 2 * UnsizedParts.Count;

    /// <inheritdoc/>
    public override int Parts => 2;

    /// <inheritdoc/>
    public override BenchRow Complete(BenchRow row, IReadOnlyList<double[]> rounds) =>
        row with { UnsizedOverSized = rounds.Count == 0 ? null : RoundTimer.Median([.. rounds.Select(parts => parts[UnsizedParts.Without] / parts[UnsizedParts.With])]) };

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new UnsizedBody<TAdapter, TBuffer>(adapters[0])];
}

/// <summary>The parts of that loop.</summary>
internal static class UnsizedParts
{
    /// <summary>Frees without a size.</summary>
    public const int Without = 0;

    /// <summary>Frees with it.</summary>
    public const int With = 1;

    /// <summary>Objects of a batch, and pairs between two batches.</summary>
    public const int Count = 1000;
}

/// <summary>Both parts.</summary>
internal sealed class UnsizedBody<TAdapter, TBuffer>(TAdapter adapter) : SmallBody<TAdapter, TBuffer>(adapter, new SharedRanges())
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private readonly TBuffer[] _held = new TBuffer[UnsizedParts.Count];
    private uint[] _sizes = Mixed.Draw(0);
    private int _part;

    /// <inheritdoc/>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        _sizes = Mixed.Draw(Seed(round, 0));
    }

    /// <inheritdoc/>
    public override void Select(int part) => _part = part;

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (_part == UnsizedParts.Without)
            Run<Unsized>(operations);
        else
            Run<Plain>(operations);
    }

    private void Run<TCalls>(long operations)
        where TCalls : struct, ICalls
    {
        var order = 0; // Not looked at: oldest first.
        for (; operations > 0; operations -= 2 * UnsizedParts.Count)
        {
            if (Verifying)
            {
                Verify<TCalls>();
                continue;
            }

            PairBody<TAdapter, TBuffer, Mixed>.Pairs<TCalls>(ref Adapter, ref At(_sizes, 0), UnsizedParts.Count);
            BatchBody<TAdapter, TBuffer, Mixed, OldestFirst, TCalls>.Batch(ref Adapter, _held, ref order, ref At(_sizes, 0), operations);
        }
    }

    // The pairs are no different from a batch to whoever looks at addresses and content.
    private void Verify<TCalls>()
        where TCalls : struct, ICalls
    {
        for (nint number = 0; number < _held.Length; number++)
            _held[number] = Make<TCalls>(ref Adapter, Mixed.At(ref At(_sizes, 0), number), (ulong)number);
        for (nint number = 0; number < _held.Length; number++)
            Release<TCalls>(ref Adapter, _held[number], Mixed.At(ref At(_sizes, 0), number), (ulong)number);
    }
}
