using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Caches at the edge of the byte budget that take grants for two slots (t), give one back (r) or settle what is at hand (s): I-Y2.</summary>
/// <param name="name">Name.</param>
/// <param name="slots">Slots that the budget allows.</param>
/// <param name="programs">Letters per thread.</param>
internal sealed unsafe class BudgetScenario(string name, int slots, params string[] programs) : Scenario
{
    private const int SlotSize = 1 << 14;
    private readonly nint[] _records = new nint[4];
    private BlockWorld _world = null!;

    public override string Name => $"budget/{name}";

    public override string Claim => "what is granted is within the budget at every moment, and is the sum of what caches have";

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    private ulong Budget => (ulong)slots * SlotSize;

    public override void Prepare(ModelMemory memory)
    {
        _world = new BlockWorld(memory, BlockStart.Unborn);
        _world.Heap->CacheBudgetBytes = Budget;
        memory.Register(&_world.Heap->CacheGrantedLine.Value, "granted");
        for (var thread = 0; thread < Threads; thread++)
            _records[thread] = (nint)_world.Record(thread);
    }

    public override void Body(Run run, int thread)
    {
        var record = (CacheRecord*)_records[thread];
        var grants = stackalloc int[4];
        var held = 0;
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 't':
                    grants[held++] = CacheBudget<ModelAtomics>.Take(_world.Heap, record, 2, SlotSize);
                    break;
                case 'r' when held != 0:
                    CacheBudget<ModelAtomics>.Return(_world.Heap, record, (ulong)grants[--held] * SlotSize);
                    break;
                case 's':
                    CacheBudget<ModelAtomics>.Settle(_world.Heap, record);
                    break;
                default:
                    break;
            }

            var granted = ModelAtomics.Read(&_world.Heap->CacheGrantedLine.Value, MemoryOrder.Relaxed, Site.None);
            run.Assert(granted <= Budget, $"I-Y2: {granted} bytes are granted of {Budget}");
        }

        var sum = ModelAtomics.ReadPlain(&record->Grant, Site.GrantRead);
        while (held != 0)
            sum += (ulong)grants[--held] * SlotSize;
        run.Result(sum);
    }

    public override void Check(Run run)
    {
        var sum = 0ul;
        for (var thread = 0; thread < Threads; thread++)
            sum += run.ResultOf(thread, 0);
        var granted = ModelAtomics.LoadAcquire(&_world.Heap->CacheGrantedLine.Value, Site.None);
        run.Assert(granted <= Budget, $"I-Y2: {granted} bytes are granted of {Budget}");
        if (granted != sum)
            run.Fail(ModelErrorKind.Leak, $"I-Y2: {granted} bytes are granted, caches have {sum}");
    }
}
