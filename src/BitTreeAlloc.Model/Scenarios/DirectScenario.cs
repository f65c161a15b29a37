using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Direct mappings: a alloc, f free of the first mapping, g free of one's own, s size of the first. Of two frees one takes the size and releases (I-D1).</summary>
internal sealed unsafe class DirectScenario(string name, bool mapped, params string[] programs) : Scenario
{
    private const ulong First = 1ul << 40;
    private const ulong Granule = 1ul << DirectTable.GranuleShift;
    private readonly nint[] _leaves = new nint[3];
    private BlockWorld _world = null!;
    private ulong* _root;

    public override string Name => $"direct/{name}";

    public override string Claim => "a mapping is released once, by the free that took its size; a table leaf is published once, committed";

    public override int Threads => programs.Length;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Unborn);
        memory.Register(&_world.Heap->DirectBytesLine.Value, "direct bytes");
        memory.Register(&_world.Heap->DirectLeavesLine.Value, "direct leaves");
        memory.Register(&_world.Heap->DirectCountLine.Value, "direct count");
        _root = memory.Words("root");
        _world.Heap->Direct.Root = _root - (First >> (DirectTable.GranuleShift + DirectTable.LeafShift));
        for (var leaf = 0; leaf < 3; leaf++)
        {
            _leaves[leaf] = (nint)memory.Words($"leaf{leaf}", 3);
            _world.Users.AddPage($"leaf{leaf}.page", (ulong)_leaves[leaf], 24);
            _world.Users.AddPage($"mapping{leaf}", First + ((ulong)leaf * Granule), Granule);
        }

        _world.Users.IsExact = true;

        // By the thread that asks: engines that interleave have several bodies under way.
        _world.Users.Reserves = bytes => bytes == Granule ? First + (((ulong)memory.Thread + 1) * Granule) : (ulong)_leaves[memory.Thread];
        if (!mapped)
            return;
        _world.Users.Commit(First, Granule);
        _world.Users.Commit((ulong)_leaves[2], 24);
        ModelAtomics.Write(_root, (ulong)_leaves[2], MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write((ulong*)_leaves[2], Granule, MemoryOrder.Relaxed, Site.None);
    }

    public override void Body(Run run, int thread)
    {
        var own = 0ul;
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'a':
                    own = DirectMappings<ModelAtomics>.Alloc(_world.Heap, Granule, Granule, out var outcome);
                    run.Assert(outcome == Outcome.Ok && own != 0, $"an alloc came to {outcome}");
                    run.Assert(DirectMappings<ModelAtomics>.SizeOf(_world.Heap, own) == Granule, "a mapping of our own has no size");
                    TouchLeaf();
                    break;
                case 's':
                    var size = DirectMappings<ModelAtomics>.SizeOf(_world.Heap, First);
                    run.Assert(size is 0 or Granule, "a mapping has another size");
                    TouchLeaf();
                    break;
                default:
                    run.Result(DirectMappings<ModelAtomics>.Free(_world.Heap, letter == 'f' ? First : own) == Outcome.Ok ? 1ul : 0);
                    break;
            }
        }
    }

    /// <summary>Whoever was led to a leaf may touch it: it is committed.</summary>
    private void TouchLeaf()
    {
        var leaf = ModelAtomics.Read(_root, MemoryOrder.Relaxed, Site.None);
        for (var number = 0; number < 3; number++)
        {
            if (leaf != 0 && _leaves[number] == (nint)leaf)
                _world.Users.TouchPage($"leaf{number}.page");
        }
    }

    public override void Check(Run run)
    {
        var frees = 0ul;
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
                frees += run.ResultOf(thread, number);
        }

        var made = (ulong)((mapped ? 1 : 0) + programs.Sum(program => program.Count(letter => letter == 'a')));
        var expected = (ulong)((programs.Any(program => program.Contains('f')) ? 1 : 0) + programs.Sum(program => program.Count(letter => letter == 'g')));
        run.Assert(frees == expected, $"{frees} frees succeeded, {expected} should");
        run.Assert(ModelAtomics.LoadAcquire(&_world.Heap->DirectCountLine.Value, Site.None) + (mapped ? 1ul : 0) == made - frees, "the count of mappings is wrong");
        var leaf = ModelAtomics.LoadAcquire(_root, Site.None);
        for (var number = 0; number < 3; number++)
        {
            if (leaf != 0 && _leaves[number] == (nint)leaf)
                run.Assert(_world.Users.IsCommitted($"leaf{number}.page"), "the published leaf is not committed");
            else if (_world.Users.IsCommitted($"leaf{number}.page"))
                run.Fail(ModelErrorKind.Leak, $"leaf{number} is committed and nowhere");
        }
    }
}
