using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>In which order a batch is freed, as a type parameter.</summary>
internal interface IOrder
{
    /// <summary>The object that is freed as the one of that number; <paramref name="order"/> is a random order of all.</summary>
    static abstract nint At(ref int order, nint number);
}

/// <summary>The oldest first.</summary>
internal readonly struct OldestFirst : IOrder
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint At(ref int order, nint number) => number;
}

/// <summary>In random order.</summary>
internal readonly struct RandomOrder : IOrder
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint At(ref int order, nint number) => Unsafe.Add(ref order, number);
}

/// <summary>Many objects are allocated, first and last byte written, then all of them are freed. An operation is an allocation and a free.</summary>
internal sealed class BatchLoop<TSizes, TOrder, TCalls>(string name, int count, string summary) : SmallLoop(name, summary)
    where TSizes : struct, ISizes
    where TOrder : struct, IOrder
    where TCalls : struct, ICalls
{
    /// <inheritdoc/>
    public override Abilities Needs => TCalls.Needs;

    /// <inheritdoc/>
    public override bool? Touched => true;

    /// <inheritdoc/>
    public override int Granule => count;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new BatchBody<TAdapter, TBuffer, TSizes, TOrder, TCalls>(adapters[0], count)];
}

/// <summary>The batches.</summary>
internal sealed class BatchBody<TAdapter, TBuffer, TSizes, TOrder, TCalls>(TAdapter adapter, int count) : SmallBody<TAdapter, TBuffer>(adapter, new SharedRanges())
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
    where TSizes : struct, ISizes
    where TOrder : struct, IOrder
    where TCalls : struct, ICalls
{
    private readonly TBuffer[] _held = new TBuffer[count];
    private readonly int[] _order = [.. Enumerable.Range(0, count)];
    private uint[] _sizes = TSizes.Draw(0);

    /// <inheritdoc/>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        var seed = Seed(round, 0);
        _sizes = TSizes.Draw(seed);
        new Random(seed).Shuffle(_order);
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        for (; operations > 0; operations -= _held.Length)
        {
            if (Verifying)
                Verify();
            else
                Batch(ref Adapter, _held, ref At(_order, 0), ref At(_sizes, 0), operations);
        }
    }

    /// <summary>One batch; its sizes start at that place of the table, so that batches together have the mix of the whole table.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Batch(ref TAdapter adapter, TBuffer[] objects, ref int order, ref uint sizes, long first)
    {
        ref var held = ref At(objects, 0);
        var count = (nint)objects.Length;
        for (nint number = 0; number < count; number++)
        {
            var size = TSizes.At(ref sizes, first + number);
            var buffer = TCalls.Alloc<TAdapter, TBuffer>(ref adapter, size);
            Touch(buffer, size);
            Unsafe.Add(ref held, number) = buffer;
        }

        for (nint number = 0; number < count; number++)
        {
            var chosen = TOrder.At(ref order, number);
            ref var buffer = ref Unsafe.Add(ref held, chosen);
            TCalls.Free(ref adapter, buffer, TSizes.At(ref sizes, first + chosen));
            Drop(ref buffer);
        }
    }

    private void Verify()
    {
        for (nint number = 0; number < _held.Length; number++)
            _held[number] = Make<TCalls>(ref Adapter, TSizes.At(ref At(_sizes, 0), number), (ulong)number);
        for (nint number = 0; number < _held.Length; number++)
        {
            var chosen = TOrder.At(ref At(_order, 0), number);
            Release<TCalls>(ref Adapter, _held[chosen], TSizes.At(ref At(_sizes, 0), chosen), (ulong)chosen);
        }
    }
}
