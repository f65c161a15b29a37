using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Threads that register (n; m another one), release (r), release an alias of thread 0's record (a), walk (w), look at the record in turn (i) and trim (t): a record has one owner, who sees what the last one did to it (INV11).</summary>
/// <param name="name">Name.</param>
/// <param name="owned">Threads, from the first on, that own a record at the start.</param>
/// <param name="programs">Letters per thread.</param>
internal sealed unsafe class RegistryScenario(string name, int owned, params string[] programs) : Scenario
{
    private const ulong Armed = 8;
    private readonly nint[] _owners = new nint[4];
    private BlockWorld _world = null!;

    public override string Name => $"registry/{name}";

    public override string Claim => "a cache record has one owner between register and release, and a signal to one that changes hands harms nobody";

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    /// <summary>Records born at the start; those that nobody owns wait on the stack.</summary>
    public int Born { get; init; } = 1;

    /// <summary>The threads own nothing at the start: the records that are owned belong to caches that sleep.</summary>
    public bool Newcomers { get; init; }

    public override int StepBound => 250;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Unborn);
        _world.AddRecords(4, owned, Born, withLimits: true);
        for (var number = 0; number < 4; number++)
        {
            _owners[number] = (nint)memory.Words($"record{number}.owner");
            ModelAtomics.Write((ulong*)_owners[number], number < owned ? (ulong)number + 1 : 0, MemoryOrder.Plain, Site.None);
        }

        if (programs.Any(program => program.Contains('a')))
            memory.Private(1, _world.RecordAt(0), sizeof(CacheRecord));
        if (programs.Any(program => program.Contains('i')))
            memory.Register(&_world.Heap->ProbeCursorLine.Value, "record in turn");
        if (Newcomers)
            ModelAtomics.Write(CacheRecord.Limit(_world.RecordAt(0), BlockWorld.SizeClass), Armed, MemoryOrder.Relaxed, Site.None);
        for (var number = owned; number < Born; number++)
            NodeStack<ModelAtomics>.TryPush(new NodeArena((ulong)_world.Heap->Pool->Arena.Base, 12, false), &_world.Heap->FreeRecords.Head, (ulong*)_world.RecordAt(number), ulong.MaxValue);
    }

    public override void Body(Run run, int thread)
    {
        var record = thread < owned && !Newcomers ? _world.RecordAt(thread) : null;
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'n' when record == null:
                case 'm':
                    record = CacheRegistry<ModelAtomics, FourBlockTrees>.TryRegister(_world.Heap, 1, out var outcome);
                    run.Assert(record != null, $"no record: {outcome}");
                    run.Assert(ModelAtomics.Read(OwnerOf(record), MemoryOrder.Plain, Site.None) == 0, "a record was handed out twice");
                    ModelAtomics.Write(OwnerOf(record), (ulong)thread + 1, MemoryOrder.Plain, Site.None);
                    break;
                case 'r' when record != null:
                    Leave(run, record);
                    record = null;
                    break;
                case 'a':
                    Leave(run, _world.RecordAt(0));
                    break;
                case 'w':
                    for (var number = CacheRegistry<ModelAtomics, FourBlockTrees>.Count(_world.Heap->Pool) - 1; number >= 0; number--)
                        _world.Users.TouchPage(BlockWorld.RecordPage(number));
                    break;
                case 'i':
                    var inTurn = CacheRegistry<ModelAtomics, FourBlockTrees>.NextInTurn(_world.Heap);
                    if (inTurn != null)
                        _world.Users.TouchPage(BlockWorld.RecordPage((int)(((ulong)inTurn - (ulong)_world.Heap->Pool->Arena.Base) / CacheRecord.Stride)));
                    break;
                case 't':
                    Trimmer<ModelAtomics, FourBlockTrees>.Trim(_world.Heap, null, 2, out _, out _);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Of two aliases one leaves.</summary>
    private void Leave(Run run, CacheRecord* record)
    {
        if (!CacheRegistry<ModelAtomics, FourBlockTrees>.TryLeave(record))
        {
            run.Assert(programs.Any(program => program.Contains('a')), "the only owner could not leave");
            return;
        }

        ModelAtomics.Write(OwnerOf(record), 0, MemoryOrder.Plain, Site.None);
        CacheRegistry<ModelAtomics, FourBlockTrees>.Release(record);
    }

    public override void Check(Run run)
    {
        if (Newcomers)
            run.Assert(ModelAtomics.LoadAcquire(CacheRecord.Limit(_world.RecordAt(0), BlockWorld.SizeClass), Site.None) == 0, "INV10: a trim did not signal a cache that was there before it");
        CheckList(run);
        var free = 0;
        var held = 0;
        var born = CacheRegistry<ModelAtomics, FourBlockTrees>.Count(_world.Heap->Pool);
        var arena = new NodeArena((ulong)_world.Heap->Pool->Arena.Base, 12, false);
        for (var node = NodeStack<ModelAtomics>.TakeAll(arena, &_world.Heap->FreeRecords.Head); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
        {
            run.Assert(++free <= born, "the free records run in a circle");
            run.Assert(!CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwnedBy((CacheRecord*)node, _world.Heap), "a free record says it is owned");
        }

        for (var number = 0; number < born; number++)
            held += CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwnedBy(_world.RecordAt(number), _world.Heap) ? 1 : 0;
        if (free + held != born)
            run.Fail(ModelErrorKind.Leak, $"{born} records were born, {free} are free and {held} owned");
    }

    /// <summary>Every record that was born is in the heap's list, once.</summary>
    private void CheckList(Run run)
    {
        var listed = 0;
        var born = CacheRegistry<ModelAtomics, FourBlockTrees>.Count(_world.Heap->Pool);
        for (var record = CacheRegistry<ModelAtomics, FourBlockTrees>.First(_world.Heap); record != null && listed <= born; record = CacheRegistry<ModelAtomics, FourBlockTrees>.Next(record))
            listed++;
        run.Assert(listed == born, $"{born} records were born and {listed} are in the heap's list");
    }

    private ulong* OwnerOf(CacheRecord* record) => (ulong*)_owners[(int)(((ulong)record - (ulong)_world.Heap->Pool->Arena.Base) / CacheRecord.Stride)];
}
