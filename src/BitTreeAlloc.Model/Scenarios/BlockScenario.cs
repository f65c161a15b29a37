using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Linearizability;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What a step of a block program does.</summary>
internal enum BlockStep
{
    /// <summary>T1–T4 by the tree: up to two slots into the thread's hands.</summary>
    Take,

    /// <summary>As Take, one slot.</summary>
    TakeOne,

    /// <summary>T2 without a pick, on block 0: the cache's last block.</summary>
    TakeLast,

    /// <summary>As TakeLast, one slot.</summary>
    TakeLastOne,

    /// <summary>Looks whether block 0 is below the frontier, and touches it where it is (I-S2).</summary>
    Locate,

    /// <summary>G1, G2 of one slot; an all-home block stays.</summary>
    Give,

    /// <summary>G1, G2 of all slots in hand, block by block; an all-home block leaves its class (E1).</summary>
    GiveAllEmpty,

    /// <summary>All slots in hand by the shipped Homecoming.</summary>
    GiveHome,

    /// <summary>Slots by the shipped Supply, all the way to fresh blocks.</summary>
    Supply,

    /// <summary>A resident empty block for the class; then one slot of it.</summary>
    BirthEmpty,

    /// <summary>A clean or new block for the class; then one slot of it.</summary>
    BirthFresh,

    /// <summary>The shipped sweeper over all blocks.</summary>
    Sweep,

    /// <summary>Writes and reads the payload of what is in hand.</summary>
    Use,
}

/// <summary>Threads that take, give, bear and purge blocks by the shipped code, with user cells written plainly at alloc and at free (INV8).</summary>
internal sealed unsafe class BlockScenario(string name, string claim, BlockStart[] starts, params BlockStep[][] programs) : Scenario, Reports.IWordDecoder, Reports.IShrinkable
{
    private readonly PoolSpec _spec = new();
    private readonly nint[] _records = new nint[programs.Length];
    private LinearizabilityChecker? _checker;
    private BlockWorld _world = null!;

    public override string Name => $"blocks/{name}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override IReadOnlyList<string> Operations { get; } = [.. Enum.GetNames<BlockStep>()];

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    /// <summary>The block that the class keeps when it is empty; −1 for none.</summary>
    public int Kept { get; init; } = -1;

    /// <summary>The system refuses some calls: every way is explored.</summary>
    public bool Refuses { get; init; }

    /// <summary>A purge takes the commit with it (Windows, under commit pressure).</summary>
    public bool PurgeLosesCommit { get; init; }

    /// <summary>Checks histories against a pool of slots: programs of TakeOne and Give alone.</summary>
    public bool IsPool { get; init; }

    public int Histories => _checker?.Histories ?? 0;

    /// <summary>Block words by their fields.</summary>
    public string? Decode(string location, ulong low, ulong high) => location.StartsWith("word", StringComparison.Ordinal) ? new Bits.BlockWord(low).ToString() : null;

    /// <summary>Without a thread, without a step.</summary>
    public IEnumerable<Scenario> Smaller() =>
        SmallerPrograms.Of(programs).Select(smaller => new BlockScenario(name, claim, starts, smaller) { Deviations = Deviations, Kept = Kept, Refuses = Refuses, PurgeLosesCommit = PurgeLosesCommit });

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, starts);
        for (var thread = 0; thread < programs.Length; thread++)
            _records[thread] = (nint)_world.Record(thread);
        _world.Users.PurgeLosesCommit = PurgeLosesCommit;
        if (Kept >= 0)
            ModelAtomics.StoreRelease(&_world.Heap->States[BlockWorld.SizeClass].Kept, BlockWorld.SlotAt(Kept, 0), Site.None);
        if (IsPool)
            _checker = new LinearizabilityChecker(_spec, InitialPool());
    }

    public override void Body(Run run, int thread)
    {
        var hands = stackalloc ulong[8];
        var count = 0;
        _world.Users.Refuses = Refuses ? _ => run.Choose(2) == 1 : null;
        for (var block = 0; block < starts.Length; block++)
        {
            for (var slot = 0; slot < starts[block].Cursor; slot++)
            {
                if (starts[block].Owners[slot] == thread + 1)
                    hands[count++] = BlockWorld.SlotAt(block, slot);
            }
        }

        var record = (CacheRecord*)_records[thread];
        foreach (var step in programs[thread])
        {
            if (IsPool)
                PoolStep(run, step, hands, ref count);
            else
                Step(run, record, step, hands, ref count);
        }
    }

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        CheckOwners(run);
        _checker?.Check(run, programs.Length);
    }

    /// <summary>After a sweep (X1) a stopped thread hides one block, or the run of blocks that it was purging (principle 4).</summary>
    public override void CheckStopped(Run run, int stopped)
    {
        for (var column = 0; column <= _world.Space->CleanColumn; column++)
            BitTree<ModelAtomics, FourBlockTrees>.Sweep(&_world.Space->Trees, column, 0, (ulong)((starts.Length + 1) / 2));
        BlockChecks.AtRest(run, _world, mayHold: programs[stopped].Contains(BlockStep.Sweep) ? starts.Length : 1);
    }

    private void Step(Run run, CacheRecord* record, BlockStep step, ulong* hands, ref int count)
    {
        run.Begin((int)step);
        var before = count;
        switch (step)
        {
            case BlockStep.Take or BlockStep.TakeOne:
                count += BlockSteps.Take(_world, hands + count, step == BlockStep.TakeOne ? 1 : 2);
                break;
            case BlockStep.TakeLast or BlockStep.TakeLastOne:
                count += BlockSteps.TakeLast(_world, hands + count, step == BlockStep.TakeLast ? 2 : 1);
                break;
            case BlockStep.Locate:
                if (Placement<ModelAtomics>.TryLocate(_world.Heap, BlockWorld.SlotAt(0, 0), out _))
                    _world.Users.TouchPage(BlockWorld.PageName(0));
                break;
            case BlockStep.Supply:
                count += Supply<ModelAtomics, FourBlockTrees>.Take(_world.Heap, record, BlockWorld.SizeClass, hands + count, 1, out _);
                break;
            case BlockStep.BirthEmpty:
                count += BlockSteps.Birth(_world, hands + count, fresh: false);
                break;
            case BlockStep.BirthFresh:
                count += BlockSteps.Birth(_world, hands + count, fresh: true);
                break;
            case BlockStep.Sweep:
                Sweeper<ModelAtomics, FourBlockTrees>.Sweep(_world.Heap, ulong.MaxValue);
                break;
            case BlockStep.Use:
                for (var slot = 0; slot < count; slot++)
                    _world.Users.Write(hands[slot], hands[slot] + _world.Users.Read(hands[slot]) - hands[slot]);
                break;
            default:
                Give(run, record, step, hands, ref count);
                break;
        }

        run.End((ulong)count);
        for (var slot = before; slot < count; slot++)
            _world.Users.OnAlloc(hands[slot]);
    }

    private void Give(Run run, CacheRecord* record, BlockStep step, ulong* hands, ref int count)
    {
        var given = step == BlockStep.Give ? Math.Min(1, count) : count;
        for (var slot = count - given; slot < count; slot++)
            _world.Users.OnFree(hands[slot]);
        count -= given;
        if (given == 0)
            return;
        if (step == BlockStep.GiveHome)
        {
            var outcome = Homecoming<ModelAtomics, FourBlockTrees>.Give(_world.Heap, record, BlockWorld.SizeClass, hands + count, given);
            run.Assert(outcome == Outcome.Ok, $"a give came to {outcome}");
            return;
        }

        for (var slot = count; slot < count + given; slot++)
            run.Assert(BlockSteps.Give(_world, hands[slot], mayHold: step == BlockStep.GiveAllEmpty) == 1, "a slot was home already");
    }

    private void PoolStep(Run run, BlockStep step, ulong* hands, ref int count)
    {
        if (step == BlockStep.TakeOne)
        {
            run.Begin(PoolSpec.Take);
            var got = BlockSteps.Take(_world, hands + count, 1);
            run.End(got == 0 ? 0 : (ulong)BlockWorld.NumberOf(hands[count]) + 1);
            if (got != 0)
                _world.Users.OnAlloc(hands[count++]);
            return;
        }

        var slot = count == 0 ? PoolSpec.NoSlot : BlockWorld.NumberOf(hands[count - 1]);
        if (count != 0)
            _world.Users.OnFree(hands[count - 1]);
        run.Begin(PoolSpec.Give, slot);
        if (count != 0)
            BlockSteps.Give(_world, hands[--count], mayHold: false);
        run.End();
    }

    private ulong InitialPool()
    {
        var free = 0ul;
        for (var block = 0; block < starts.Length; block++)
        {
            for (var slot = 0; slot < BlockWorld.Capacity; slot++)
            {
                if (starts[block].Phase == BlockPhase.InUse && (slot >= starts[block].Cursor || starts[block].Owners[slot] == 0))
                    free |= 1ul << ((block * BlockWorld.Capacity) + slot);
            }
        }

        return free;
    }

    /// <summary>INV1: what is out by the words is what users own.</summary>
    private void CheckOwners(Run run)
    {
        var expected = 0;
        for (var block = 0; block < starts.Length; block++)
        {
            var word = new BlockWord(ModelAtomics.LoadAcquire(_world.Space->Words + block, Site.None));
            expected += word.Phase == BlockPhase.InUse ? word.Cursor - word.Free : 0;
        }

        _world.Users.CheckLeaks(expected);
    }
}
