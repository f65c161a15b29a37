using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>Two relaxed stores, two relaxed loads the other way round; nothing is asserted.</summary>
internal sealed unsafe class WeakPair : Scenario, IWeakMemoryScenario
{
    private ulong* _words;

    public override string Name => "test/weak-pair";

    public override string Claim => "nothing";

    public override int Threads => 2;

    public bool ExpectsWeakExecutions => true;

    public override void Prepare(ModelMemory memory) => _words = memory.Words("word", 2);

    public override void Body(Run run, int thread)
    {
        if (thread == 0)
        {
            ModelAtomics.Write(_words, 1, MemoryOrder.Relaxed, Site.None);
            ModelAtomics.Write(_words + 1, 1, MemoryOrder.Relaxed, Site.None);
        }
        else
        {
            run.Result(ModelAtomics.Read(_words + 1, MemoryOrder.Relaxed, Site.None));
            run.Result(ModelAtomics.Read(_words, MemoryOrder.Relaxed, Site.None));
        }
    }
}
