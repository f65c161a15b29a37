using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bench.Recycler;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Linearizability;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.SlotArrays;

/// <summary>
/// Threads that run little programs on the slot array of the benchmarks. Letters: u give a fresh item, p take, r give back what was taken last, t take every place in turn; a digit sets the hint.
/// As with the stack, every item has an owner cell that is written plainly: two owners, or an owner whose last writes are not seen, are an error.
/// </summary>
internal sealed unsafe class SlotArrayScenario(string name, int places, int initial, params string[] programs) : Scenario
{
    /// <summary>Places of the array.</summary>
    public int Places => places;

    private const int MaxItems = 8;
    private readonly ulong*[] _owners = new ulong*[MaxItems];
    private BagSpec _spec = new(places, isStrict: false);
    private LinearizabilityChecker? _checker;
    private ulong* _places;
    private int _count;

    public override string Name => $"slots/{name}";

    public override string Claim => "a taken item has one owner until it is given, the next owner sees its writes, and what lies still is found";

    public override int Threads => programs.Length;

    public override IReadOnlyList<string> Operations => _spec.Operations;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    /// <summary>Holds the answers to those of a bag that is looked at in one moment.</summary>
    public bool IsStrict { get; init; }

    /// <summary>See <see cref="BagSpec.ScanAnswers"/>.</summary>
    public long ScanAnswers => _spec.ScanAnswers;

    public override void Prepare(ModelMemory memory)
    {
        _spec = new BagSpec(places, IsStrict);
        _count = initial + programs.Sum(program => program.Count(letter => letter == 'u'));
        _places = memory.Words("place", places);
        for (var item = 0; item < _count; item++)
            _owners[item] = memory.Words($"owner[{item + 1}]");
        var fresh = initial;
        for (var thread = 0; thread < programs.Length; thread++)
        {
            foreach (var _ in programs[thread].Where(letter => letter == 'u'))
                ModelAtomics.Write(_owners[fresh++], (ulong)thread + 1, MemoryOrder.Plain, Site.None);
        }

        // From the last place down, so that a scan in either direction has something before it and something behind.
        var hint = 0u;
        for (var item = 0; item < initial; item++)
        {
            hint = (uint)(places - 1 - item);
            SlotArray<ModelAtomics>.TryGive(_places, (uint)places, ref hint, (ulong)item + 1);
        }

        _checker = new LinearizabilityChecker(_spec, (1ul << initial) - 1);
    }

    public override void Body(Run run, int thread)
    {
        var held = stackalloc int[MaxItems];
        var count = 0;
        var hint = 0u;
        var fresh = initial + programs.Take(thread).Sum(program => program.Count(letter => letter == 'u'));
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'u':
                    Give(run, fresh++, ref hint);
                    break;
                case 'r' when count > 0:
                    Give(run, held[--count], ref hint);
                    break;
                case 'p':
                    run.Begin(BagSpec.Take);
                    Keep(run, SlotArray<ModelAtomics>.TryTake(_places, (uint)places, ref hint), held, ref count);
                    break;
                case 't':
                    for (var place = 0u; place < places; place++)
                    {
                        run.Begin(BagSpec.TakeAt);
                        Keep(run, SlotArray<ModelAtomics>.TakeAt(_places, place), held, ref count);
                    }

                    break;
                case >= '0' and <= '9':
                    hint = (uint)(letter - '0');
                    break;
                default:
                    break;
            }
        }
    }

    public override void Check(Run run) => _checker!.Check(run, programs.Length, CheckPlaces(run, 0));

    /// <summary>A stopped thread strands the one item in its hands.</summary>
    public override void CheckStopped(Run run, int stopped) => CheckPlaces(run, 1);

    private void Give(Run run, int item, ref uint hint)
    {
        run.Assert(ModelAtomics.Read(_owners[item], MemoryOrder.Plain, Site.None) == (ulong)run.Memory.Thread + 1, "an item changed hands in its owner's hands");
        ModelAtomics.Write(_owners[item], 0, MemoryOrder.Plain, Site.None);
        run.Begin(BagSpec.Give, item + 1);
        var given = SlotArray<ModelAtomics>.TryGive(_places, (uint)places, ref hint, (ulong)item + 1);
        run.End(given ? 1ul : 0);
        if (!given)
            ModelAtomics.Write(_owners[item], (ulong)run.Memory.Thread + 1, MemoryOrder.Plain, Site.None);
    }

    private void Keep(Run run, ulong item, int* held, ref int count)
    {
        run.End(item);
        if (item == 0)
            return;
        var number = (int)item - 1;
        run.Assert(ModelAtomics.Read(_owners[number], MemoryOrder.Plain, Site.None) == 0, "an item was handed out twice");
        ModelAtomics.Write(_owners[number], (ulong)run.Memory.Thread + 1, MemoryOrder.Plain, Site.None);
        held[count++] = number;
    }

    /// <summary>The items in the places; each of all items is there or owned, but for <paramref name="mayMiss"/>; and the depth counts them.</summary>
    private ulong CheckPlaces(Run run, int mayMiss)
    {
        var depth = SlotArray<ModelAtomics>.Depth(_places, (uint)places);
        var there = 0ul;
        var length = 0u;
        for (var place = 0u; place < places; place++)
        {
            var item = SlotArray<ModelAtomics>.TakeAt(_places, place);
            if (item == 0)
                continue;
            run.Assert((there & (1ul << (int)(item - 1))) == 0, "an item lies at two places");
            there |= 1ul << (int)(item - 1);
            length++;
        }

        run.Assert(depth == length, $"the depth says {depth}, {length} items were there");
        var missing = 0;
        for (var item = 0; item < _count; item++)
        {
            var isOwned = ModelAtomics.Read(_owners[item], MemoryOrder.Plain, Site.None) != 0;
            var isThere = (there & (1ul << item)) != 0;
            run.Assert(!isOwned || !isThere, "an item is owned and in the array");
            missing += isOwned || isThere ? 0 : 1;
        }

        if (missing > mayMiss)
            run.Fail(ModelErrorKind.Leak, $"{missing} of {_count} items are nobody's");
        return there;
    }
}
