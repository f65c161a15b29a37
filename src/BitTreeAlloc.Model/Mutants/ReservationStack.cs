using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>
/// A control for the stall test: a stack whose popper reserves the head by an odd word and makes everybody else spin. Correct in every execution, and not lock-free:
/// with one popper stopped after the reservation nobody ends.
/// </summary>
internal sealed unsafe class ReservationStack : Scenario
{
    private ulong* _head;
    private ulong* _nodes;

    public override string Name => "control/reservation-stack";

    public override string Claim => "no node is popped twice; but who stops inside stops all";

    public override int Threads => 2;

    public override bool IsLockFree => false;

    public override void Prepare(ModelMemory memory)
    {
        _head = memory.Words("head");
        _nodes = memory.Words("link", 2);
        ModelAtomics.Write(_nodes, (ulong)(_nodes + 1), MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(_head, (ulong)_nodes, MemoryOrder.Relaxed, Site.None);
    }

    public override void Body(Run run, int thread) => run.Result(Pop(run.Memory));

    public override void Check(Run run) => run.Assert(run.ResultOf(0, 0) != run.ResultOf(1, 0), "a node was popped twice");

    private ulong Pop(ModelMemory memory)
    {
        for (; ; )
        {
            var top = ModelAtomics.LoadAcquire(_head, Site.None);
            if ((top & 1) != 0)
            {
                memory.SpinHint();
                continue;
            }

            if (top == 0)
                return 0;
            if (!ModelAtomics.CompareExchangeAcqRel(_head, top, top | 1, Site.None))
                continue;
            ModelAtomics.StoreRelease(_head, ModelAtomics.LoadAcquire((ulong*)top, Site.None), Site.None);
            return top;
        }
    }
}
