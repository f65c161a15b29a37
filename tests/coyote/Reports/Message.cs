using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>One thread writes data and then a flag; the other sees the flag and reads the data.</summary>
internal sealed unsafe class Message(MemoryOrder data, MemoryOrder flag) : Scenario, IWeakMemoryScenario
{
    private ulong* _data;
    private ulong* _flag;

    public override string Name => $"test/message-{data}-{flag}";

    public override string Claim => "who sees the flag sees the data";

    public override int Threads => 2;

    public bool ExpectsWeakExecutions => true;

    public override void Prepare(ModelMemory memory)
    {
        _data = memory.Words("data");
        _flag = memory.Words("flag");
    }

    public override void Body(Run run, int thread)
    {
        if (thread == 0)
        {
            ModelAtomics.Write(_data, 1, data, Site.None);
            ModelAtomics.Write(_flag, 1, flag, Site.None);
        }
        else if (ModelAtomics.Read(_flag, flag == MemoryOrder.Release ? MemoryOrder.Acquire : flag, Site.None) == 1)
        {
            run.Assert(ModelAtomics.Read(_data, data, Site.None) == 1, "the flag without the data");
        }
    }
}
