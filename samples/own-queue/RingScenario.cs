using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace OwnQueue;

/// <summary>Three items through a ring of two: the producer and the consumer each try four times.</summary>
public sealed unsafe class RingScenario : Scenario
{
    private ulong* _ring;

    public override string Name => "ring/three-through-two";

    public override string Claim => "items come out once, whole and in order";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _ring = memory.Words("ring", 4);

    public override void Body(Run run, int thread)
    {
        var next = 1ul;
        for (var attempt = 0; attempt < 4 && next <= 3; attempt++)
        {
            if (thread == 0)
                next += Ring<ModelAtomics>.TryPut(_ring, 2, next) ? 1ul : 0;
            else if (Ring<ModelAtomics>.TryTake(_ring, 2, out var item))
                run.Assert(item == next++, "an item came out of turn");
        }
    }
}
