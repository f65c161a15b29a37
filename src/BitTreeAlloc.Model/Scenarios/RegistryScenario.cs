using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Threads that register (n), release (r), walk (w) and trim (t): a record has one owner, who sees what the last one did to it (INV11).</summary>
/// <param name="name">Name.</param>
/// <param name="owned">Threads, from the first on, that own a record at the start.</param>
/// <param name="programs">Letters per thread.</param>
internal sealed unsafe class RegistryScenario(string name, int owned, params string[] programs) : Scenario
{
    private readonly nint[] _owners = new nint[4];
    private BlockWorld _world = null!;

    public override string Name => $"registry/{name}";

    public override string Claim => "a cache record has one owner between register and release, and a signal to one that changes hands harms nobody";

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    /// <summary>Records born at the start; those that nobody owns wait on the stack.</summary>
    public int Born { get; init; } = 1;

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

        for (var number = owned; number < Born; number++)
            NodeStack<ModelAtomics>.TryPush(new NodeArena((ulong)_world.Heap->Records.Base, 12, false), &_world.Heap->FreeRecords.Head, (ulong*)_world.RecordAt(number), ulong.MaxValue);
    }

    public override void Body(Run run, int thread)
    {
        var record = thread < owned ? _world.RecordAt(thread) : null;
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'n' when record == null:
                    record = CacheRegistry<ModelAtomics, FourBlockTrees>.TryRegister(_world.Heap, 1, out var outcome);
                    run.Assert(record != null, $"no record: {outcome}");
                    run.Assert(ModelAtomics.Read(OwnerOf(record), MemoryOrder.Plain, Site.None) == 0, "a record was handed out twice");
                    ModelAtomics.Write(OwnerOf(record), (ulong)thread + 1, MemoryOrder.Plain, Site.None);
                    break;
                case 'r' when record != null:
                    ModelAtomics.Write(OwnerOf(record), 0, MemoryOrder.Plain, Site.None);
                    CacheRegistry<ModelAtomics, FourBlockTrees>.Release(record);
                    record = null;
                    break;
                case 'w':
                    for (var number = CacheRegistry<ModelAtomics, FourBlockTrees>.Count(_world.Heap) - 1; number >= 0; number--)
                        _world.Users.TouchPage(BlockWorld.RecordPage(number));
                    break;
                case 't':
                    Trimmer<ModelAtomics, FourBlockTrees>.Trim(_world.Heap, null, out _, out _);
                    break;
                default:
                    break;
            }
        }
    }

    public override void Check(Run run)
    {
        var free = 0;
        var held = 0;
        var born = CacheRegistry<ModelAtomics, FourBlockTrees>.Count(_world.Heap);
        var arena = new NodeArena((ulong)_world.Heap->Records.Base, 12, false);
        for (var node = NodeStack<ModelAtomics>.TakeAll(arena, &_world.Heap->FreeRecords.Head); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
        {
            run.Assert(++free <= born, "the free records run in a circle");
            run.Assert(!CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwned((CacheRecord*)node), "a free record says it is owned");
        }

        for (var number = 0; number < born; number++)
            held += CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwned(_world.RecordAt(number)) ? 1 : 0;
        if (free + held != born)
            run.Fail(ModelErrorKind.Leak, $"{born} records were born, {free} are free and {held} owned");
    }

    private ulong* OwnerOf(CacheRecord* record) => (ulong*)_owners[(int)(((ulong)record - (ulong)_world.Heap->Records.Base) / CacheRecord.Stride)];
}
