using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Bench.Recycler;

/// <summary>The loops over one recycler variant. All figures are wall nanoseconds per give and take, whoever did them.</summary>
internal abstract class BagLoops : IDisposable
{
    /// <summary>Nodes of a burst, and the most that the recycler of a 64-byte class holds.</summary>
    public const int Burst = 8;

    private protected BagLoops(string name) => Name = name;

    public string Name { get; }

    /// <summary>The variants, the yardstick first. The 16-byte form is there where the machine has it.</summary>
    public static IReadOnlyList<BagLoops> All()
    {
        var variants = new List<BagLoops>();
        if (CasStub.IsSupported)
            variants.Add(BagLoops<StackBag>.Stack("stack, 16-byte head", wide: true));
        variants.Add(BagLoops<StackBag>.Stack("stack, 8-byte head", wide: false));
        variants.Add(BagLoops<SlotBag>.Slots("slot array of 8", 8));
        variants.Add(BagLoops<SlotBag>.Slots("slot array of 16", 16));
        return variants;
    }

    /// <summary>One thread: give one, take one.</summary>
    public abstract double OnePair(int pairs);

    /// <summary>One thread: give eight, take eight.</summary>
    public abstract double Bursts(int bursts);

    /// <summary>Two threads and two recyclers: what one gives the other takes, in both directions, so that each recycler has one giver and one taker.</summary>
    public abstract double OneToOne(TwoThreads threads, int pairs);

    /// <summary>Two threads on one recycler, half full: each takes one and gives it back.</summary>
    public abstract double Contended(TwoThreads threads, int pairs);

    public abstract void Dispose();
}

/// <summary>The loops, compiled once per variant.</summary>
internal sealed unsafe class BagLoops<TBag> : BagLoops
    where TBag : struct, IBag
{
    // As magazines: 1 KiB each, and aligned to it.
    private const int NodeShift = 10;
    private const nuint Line = 128;

    private readonly byte* _memory;
    private readonly TBag _bag;
    private readonly TBag _back;
    private readonly ulong*[] _nodes = new ulong*[Burst];

    private BagLoops(string name, Func<nint, nint, TBag> make)
        : base(name)
    {
        var bytes = (nuint)((Burst + 1) << NodeShift);
        _memory = (byte*)NativeMemory.AlignedAlloc(bytes, 1 << NodeShift);
        NativeMemory.Clear(_memory, bytes);
        for (var node = 0; node < Burst; node++)
            _nodes[node] = (ulong*)(_memory + ((nuint)node << NodeShift));
        var heads = _memory + (Burst << NodeShift);
        _bag = make((nint)heads, (nint)_memory);
        _back = make((nint)(heads + (2 * Line)), (nint)_memory);
    }

    public static BagLoops<StackBag> Stack(string name, bool wide) =>
        new(name, (head, memory) => new StackBag((Word16*)head, new NodeArena((ulong)memory, NodeShift, wide), Burst));

    public static BagLoops<SlotBag> Slots(string name, uint count) => new(name, (places, _) => new SlotBag((ulong*)places, count));

    public override double OnePair(int pairs)
    {
        var start = Stopwatch.GetTimestamp();
        RunPairs(pairs);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / pairs;
    }

    public override double Bursts(int bursts)
    {
        var start = Stopwatch.GetTimestamp();
        RunBursts(bursts);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)bursts * Burst);
    }

    public override double OneToOne(TwoThreads threads, int pairs)
    {
        var hint = 0u;
        for (var node = 0; node < Burst; node++)
            Must(_bag.TryGive(_nodes[node], ref hint));
        var time = threads.Time(() => Carry(_bag, _back, pairs), () => Carry(_back, _bag, pairs));
        Drain(_bag, Burst);
        return time / (2.0 * pairs);
    }

    public override double Contended(TwoThreads threads, int pairs)
    {
        var hint = 0u;
        for (var node = 0; node < Burst / 2; node++)
            Must(_bag.TryGive(_nodes[node], ref hint));
        var time = threads.Time(() => TakeAndGive(_bag, pairs, 0), () => TakeAndGive(_bag, pairs, Burst / 2));
        Drain(_bag, Burst / 2);
        return time / (2.0 * pairs);
    }

    public override void Dispose() => NativeMemory.AlignedFree(_memory);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunPairs(int pairs)
    {
        var bag = _bag;
        var node = _nodes[0];
        var hint = 0u;
        for (var pair = 0; pair < pairs; pair++)
        {
            Must(bag.TryGive(node, ref hint));
            node = bag.TryTake(ref hint);
        }

        Must(node == _nodes[0]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunBursts(int bursts)
    {
        var bag = _bag;
        var hint = 0u;
        for (var burst = 0; burst < bursts; burst++)
        {
            for (var node = 0; node < _nodes.Length; node++)
                Must(bag.TryGive(_nodes[node], ref hint));
            for (var node = 0; node < _nodes.Length; node++)
                Must(bag.TryTake(ref hint) != null);
        }
    }

    // The last nodes come to rest in whichever bag; both threads carry the same number, so in the end each bag has what it began with.
    private static void Carry(TBag from, TBag to, int pairs)
    {
        uint takeHint = 0, giveHint = 0;
        var spins = 0;
        for (var pair = 0; pair < pairs; pair++)
        {
            ulong* node;
            while ((node = from.TryTake(ref takeHint)) == null)
                SpinPause.Wait(ref spins);
            while (!to.TryGive(node, ref giveHint))
                SpinPause.Wait(ref spins);
        }
    }

    private static void TakeAndGive(TBag bag, int pairs, uint hint)
    {
        var spins = 0;
        for (var pair = 0; pair < pairs; pair++)
        {
            ulong* node;
            while ((node = bag.TryTake(ref hint)) == null)
                SpinPause.Wait(ref spins);
            while (!bag.TryGive(node, ref hint))
                SpinPause.Wait(ref spins);
        }
    }

    private static void Drain(TBag bag, int expected)
    {
        var hint = 0u;
        var count = 0;
        while (bag.TryTake(ref hint) != null)
            count++;
        Must(count == expected);
    }

    private static void Must(bool holds)
    {
        if (!holds)
            Lost();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lost() => throw new InvalidOperationException("a recycler variant lost a node, or has one too many: its times mean nothing");
}
