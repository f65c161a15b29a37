using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>An object is allocated and freed at once: the hit path alone. Untouched, since a store to the object would hide some of it.</summary>
internal sealed class PairLoop<TSizes>(string name, string summary) : SmallLoop(name, summary)
    where TSizes : struct, ISizes
{
    /// <inheritdoc/>
    public override bool? Touched => false;

    /// <inheritdoc/>
    public override int Granule => SizeTable.Length;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new PairBody<TAdapter, TBuffer, TSizes>(adapters[0])];
}

/// <summary>The pairs.</summary>
internal sealed class PairBody<TAdapter, TBuffer, TSizes>(TAdapter adapter) : SmallBody<TAdapter, TBuffer>(adapter, new SharedRanges())
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
    where TSizes : struct, ISizes
{
    private uint[] _sizes = TSizes.Draw(0);

    /// <inheritdoc/>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        _sizes = TSizes.Draw(Seed(round, 0));
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (Verifying)
            Verify(operations);
        else
            Pairs<Plain>(ref Adapter, ref At(_sizes, 0), operations);
    }

    /// <summary>So many pairs.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Pairs<TCalls>(ref TAdapter adapter, ref uint sizes, long operations)
        where TCalls : struct, ICalls
    {
        for (; operations > 0; operations--)
        {
            var size = TSizes.At(ref sizes, operations);
            var buffer = TCalls.Alloc<TAdapter, TBuffer>(ref adapter, size);
            TCalls.Free(ref adapter, buffer, size);
        }
    }

    // Each object is held until the next one is there: of one at a time nothing could be seen.
    private void Verify(long operations)
    {
        ref var sizes = ref At(_sizes, 0);
        var held = Make<Plain>(ref Adapter, TSizes.At(ref sizes, operations), (ulong)operations);
        for (; operations > 1; operations--)
        {
            var next = Make<Plain>(ref Adapter, TSizes.At(ref sizes, operations - 1), (ulong)(operations - 1));
            Release<Plain>(ref Adapter, held, TSizes.At(ref sizes, operations), (ulong)operations);
            held = next;
        }

        Release<Plain>(ref Adapter, held, TSizes.At(ref sizes, 1), 1);
    }
}
