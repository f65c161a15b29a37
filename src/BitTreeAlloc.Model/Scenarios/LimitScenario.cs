using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Births and purges under a hard limit, in blocks: b birth of a block that needs pages, e birth of an empty one, s sweep, m ensure of a metadata mark by one block's bytes. Beside the charge each block
/// has a cell that says whether it holds pages: set by whoever bore it, cleared by the purge. Whoever was granted a block counts the cells it can see.
/// </summary>
internal sealed unsafe class LimitScenario(string name, int limit, BlockStart[] blocks, params string[] programs) : Scenario
{
    private const ulong BlockBytes = 1ul << BlockWorld.BlockShift;
    private BlockWorld _world = null!;
    private ulong* _held;

    public override string Name => $"limit/{name}";

    public override string Claim => "blocks that hold pages never exceed the hard limit, a charge taken in vain is undone, and at rest the charge is what the words say";

    public override int Threads => programs.Length;

    public int? Deviations { get; init; }

    public override int? Bound => Deviations;

    /// <summary>Whether a commit may be refused.</summary>
    public bool Refuses { get; init; }

    /// <summary>Whether some birth has to succeed: there is room for one, and nobody else can take it for good.</summary>
    public int Granted { get; init; }

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, (ulong)limit * BlockBytes, 0, blocks);
        _world.Space->WordMark = new Core.Watermark { Base = (byte*)(1ul << 44), Reserved = 4 * BlockBytes, Step = BlockBytes };
        ModelAtomics.Write(&_world.Space->WordMark.Committed, programs.Any(program => program.Contains('m')) ? 0 : 4 * BlockBytes, MemoryOrder.Relaxed, Site.None);
        _held = memory.Words("held", blocks.Length);
        for (var block = 0; block < blocks.Length; block++)
            ModelAtomics.Write(_held + block, blocks[block].Phase == BlockPhase.Clean ? 0ul : 1ul, MemoryOrder.Relaxed, Site.None);
        var held = (nint)_held;
        var count = blocks.Length;
        _world.Users.OnPurgeRange = (address, bytes) =>
        {
            for (var block = 0; block < count; block++)
            {
                if (BlockWorld.SlotAt(block, 0) >= address && BlockWorld.SlotAt(block, 0) < address + bytes)
                    ModelAtomics.Write((ulong*)held + block, 0, MemoryOrder.Relaxed, Site.None);
            }
        };
    }

    public override void Body(Run run, int thread)
    {
        _world.Users.Refuses = Refuses ? page => page.StartsWith("page", StringComparison.Ordinal) && run.Choose(2) == 1 : null;
        foreach (var step in programs[thread])
        {
            BlockRef block;
            switch (step)
            {
                case 's':
                    Sweeper<ModelAtomics, FourBlockTrees>.Sweep(_world.Heap, ulong.MaxValue);
                    break;
                case 'm':
                    HeapOs<ModelAtomics>.Ensure(_world.Heap, &_world.Space->WordMark, BlockBytes, out var isLimited);
                    run.Assert(!isLimited || limit < 2, "a mark was refused although it fits");
                    break;
                case 'e':
                    if (Births<ModelAtomics, FourBlockTrees>.TryEmpty(_world.Heap, BlockWorld.SizeClass, out block, out _))
                        Use(run, block.Index);
                    break;
                default:
                    var outcome = Births<ModelAtomics, FourBlockTrees>.TryFresh(_world.Heap, BlockWorld.SizeClass, out block, out _);
                    run.Assert(outcome is Outcome.Ok or Outcome.LimitReached || (Refuses && outcome == Outcome.CommitRefused), $"a birth came to {outcome}");
                    if (outcome == Outcome.Ok)
                        Use(run, block.Index);
                    break;
            }
        }
    }

    /// <summary>The block is ours and holds pages from now on. What it sees of the others that hold any must fit beside it.</summary>
    private void Use(Run run, ulong block)
    {
        ModelAtomics.Write(_held + block, 1, MemoryOrder.Relaxed, Site.None);
        var held = 0ul;
        for (var other = 0; other < blocks.Length; other++)
            held += ModelAtomics.Read(_held + other, MemoryOrder.Relaxed, Site.None);
        run.Assert(held <= (ulong)limit, $"{held} blocks hold pages under a limit of {limit}");
        Blocks<ModelAtomics, FourBlockTrees>.Release(_world.Space, block, *_world.Info, 0, 0);
        run.Result(1);
    }

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        var charged = ModelAtomics.LoadAcquire(&_world.Heap->ChargedLine.Value, Site.None);
        var walked = Walk();
        run.Assert(charged == walked, $"{charged / BlockBytes} blocks are charged, the words say {walked / BlockBytes}");
        run.Assert(walked <= (ulong)limit * BlockBytes, $"{walked / BlockBytes} blocks under a limit of {limit}");
        var granted = 0;
        for (var thread = 0; thread < programs.Length; thread++)
            granted += run.ResultCountOf(thread);
        run.Assert(granted >= Granted, $"{granted} births were granted, {Granted} have to be");
    }

    /// <summary>A thread that was stopped strands what it had charged, one block, and never makes the charge too low.</summary>
    public override void CheckStopped(Run run, int stopped)
    {
        var charged = ModelAtomics.LoadAcquire(&_world.Heap->ChargedLine.Value, Site.None);
        var walked = Walk();
        run.Assert(charged >= walked - Math.Min(walked, HeldBytes()) && charged <= walked + BlockBytes, $"{charged / BlockBytes} blocks are charged, the words say {walked / BlockBytes}");
    }

    private ulong Walk()
    {
        var walked = ModelAtomics.LoadAcquire(&_world.Space->WordMark.Committed, Site.None) & (BlockBytes * 2 - 1);
        for (var block = 0; block < blocks.Length; block++)
            walked += new BlockWord(ModelAtomics.LoadAcquire(_world.Space->Words + block, Site.None)).Phase != BlockPhase.Clean ? BlockBytes : 0;
        return walked;
    }

    /// <summary>Bytes of blocks that somebody holds: a stopped sweeper may have returned their charge.</summary>
    private ulong HeldBytes()
    {
        var held = 0ul;
        for (var block = 0; block < blocks.Length; block++)
            held += new BlockWord(ModelAtomics.LoadAcquire(_world.Space->Words + block, Site.None)).IsClaimed ? BlockBytes : 0;
        return held;
    }
}
