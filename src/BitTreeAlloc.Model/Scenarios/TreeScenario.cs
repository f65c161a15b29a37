using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Linearizability;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>One step of a tree program: a block to set, or one of the constants.</summary>
internal static class TreeStep
{
    public const int Pick = -1;

    /// <summary>Sets what was picked last.</summary>
    public const int SetBack = -2;

    /// <summary>X1 over all leaf words.</summary>
    public const int Sweep = -3;

    /// <summary>A pick that has to find something.</summary>
    public const int MustPick = -4;
}

/// <summary>
/// Threads that set and pick blocks on the shipped tree of a tiny geometry. Every block has an owner cell that is written plainly; at rest every leaf that is set has its parents set (INV4) and
/// every block is set or owned; every history is linearizable to a set.
/// </summary>
internal sealed unsafe class TreeScenario<TGeometry>(string name, string claim, int blocks, int[] set, params int[][] programs) : Scenario
    where TGeometry : struct, IGeometry
{
    private readonly SetSpec _spec = new();
    private readonly nint[] _owners = new nint[blocks];
    private LinearizabilityChecker? _checker;
    private TreeView* _view;

    public override string Name => $"tree/{name}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override IReadOnlyList<string> Operations => _spec.Operations;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public int Histories => _checker?.Histories ?? 0;

    /// <summary>Leaves that are set without their parents at first: a setter stopped half-way.</summary>
    public int[] Orphans { get; init; } = [];

    private static int LeafRows(int count) => (count + (1 << TGeometry.WordShift) - 1) >> TGeometry.WordShift;

    public override void Prepare(ModelMemory memory)
    {
        _view = (TreeView*)memory.Native(sizeof(TreeView));
        var trees = Math.Max(1, blocks >> TGeometry.TreeShift);
        _view->Columns = 1;
        _view->Leaves = memory.Words("leaf", LeafRows(blocks));
        _view->Middles = memory.Words("middle", LeafRows(LeafRows(blocks)));
        _view->Tops = memory.Words("top", trees);
        _view->Summaries = memory.Words("summary");
        for (var block = 0; block < blocks; block++)
            _owners[block] = (nint)memory.Words($"block{block}.owner");
        foreach (var block in set)
            BitTree<ModelAtomics, TGeometry>.Set(_view, 0, (ulong)block);
        foreach (var block in Orphans)
            ModelAtomics.FetchOrAcqRel(_view->Leaves + (block >> TGeometry.WordShift), 1ul << (block & ((1 << TGeometry.WordShift) - 1)), Site.None);
        for (var thread = 0; thread < programs.Length; thread++)
        {
            foreach (var block in programs[thread].Where(step => step >= 0))
                ModelAtomics.Write((ulong*)_owners[block], (ulong)thread + 1, MemoryOrder.Plain, Site.None);
        }

        _checker = new LinearizabilityChecker(_spec, set.Aggregate(0ul, (mask, block) => mask | (1ul << block)));
    }

    public override void Body(Run run, int thread)
    {
        var last = -1;
        foreach (var step in programs[thread])
        {
            switch (step)
            {
                case TreeStep.Pick:
                case TreeStep.MustPick:
                    last = Pick(run);
                    run.Assert(last >= 0 || step == TreeStep.Pick, "a block that is set cannot be found");
                    break;
                case TreeStep.SetBack when last >= 0:
                    Set(run, last);
                    last = -1;
                    break;
                case TreeStep.SetBack:
                    break;
                case TreeStep.Sweep:
                    run.Begin(SetSpec.Sweep);
                    run.End(BitTree<ModelAtomics, TGeometry>.Sweep(_view, 0, 0, (ulong)LeafRows(blocks)) ? 1ul : 0);
                    break;
                default:
                    Set(run, step);
                    break;
            }
        }
    }

    public override void Check(Run run)
    {
        var found = 0ul;
        for (var block = 0; block < blocks; block++)
        {
            var isSet = BitTree<ModelAtomics, TGeometry>.IsSet(_view, 0, (ulong)block);
            var owner = ModelAtomics.Read((ulong*)_owners[block], MemoryOrder.Plain, Site.None);
            var exists = set.Contains(block) || Orphans.Contains(block) || programs.Any(program => program.Contains(block));
            run.Assert(!isSet || owner == 0, $"block {block} is set and owned by thread {owner - 1}");
            if (exists && !isSet && owner == 0)
                run.Fail(ModelErrorKind.Leak, $"block {block} is neither set nor owned");
            found |= isSet ? 1ul << block : 0;
            run.Assert(!isSet || HasParents(block), $"INV4: block {block} is set, a parent is not");
        }

        if (Orphans.Length == 0)
            _checker!.Check(run, programs.Length, found);
    }

    private int Pick(Run run)
    {
        run.Begin(SetSpec.Pick);
        var picked = BitTree<ModelAtomics, TGeometry>.TryPick(_view, 0, out var block);
        run.End(picked ? block + 1 : 0);
        if (!picked)
            return -1;
        run.Assert(block < (ulong)blocks, $"block {block} was picked, which is none");
        var owner = (ulong*)_owners[block];
        run.Assert(ModelAtomics.Read(owner, MemoryOrder.Plain, Site.None) == 0, $"block {block} was picked twice");
        ModelAtomics.Write(owner, (ulong)run.Memory.Thread + 1, MemoryOrder.Plain, Site.None);
        return (int)block;
    }

    private void Set(Run run, int block)
    {
        ModelAtomics.Write((ulong*)_owners[block], 0, MemoryOrder.Plain, Site.None);
        run.Begin(SetSpec.Set, block);
        BitTree<ModelAtomics, TGeometry>.Set(_view, 0, (ulong)block);
        run.End();
    }

    private bool HasParents(int block) => TreeChecks.HasParents<TGeometry>(_view, 0, (ulong)block);
}

/// <summary>What end checks ask of a tree.</summary>
internal static unsafe class TreeChecks
{
    /// <summary>Whether middle, top and summary bits above the block's leaf are set.</summary>
    public static bool HasParents<TGeometry>(TreeView* view, int column, ulong block)
        where TGeometry : struct, IGeometry
    {
        var topShift = TGeometry.TreeShift - (2 * TGeometry.WordShift);
        var leaf = block >> TGeometry.WordShift;
        var middle = leaf >> TGeometry.WordShift;
        var tree = middle >> topShift;
        return Has(view->Middles, middle, leaf & ((1ul << TGeometry.WordShift) - 1))
            && Has(view->Tops, tree, middle & ((1ul << topShift) - 1))
            && Has(view->Summaries, 0, tree);

        bool Has(ulong* row, ulong index, ulong bit) => (ModelAtomics.LoadAcquire(row + (index * view->Columns) + (ulong)column, Site.None) >> (int)bit & 1) != 0;
    }
}
