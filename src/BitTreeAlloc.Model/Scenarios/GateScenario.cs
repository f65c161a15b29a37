using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Visitors (v), closers (c) and those who ask whether it is closed (w) at one gate, with a heap behind it that the closer ends.</summary>
internal sealed unsafe class GateScenario(string name, params string[] programs) : Scenario
{
    private ulong* _gate;
    private ulong* _heap;

    public override string Name => $"gate/{name}";

    public override string Claim => "nothing behind the gate ends during a visit, one closer ends it, and who sees it closed sees that it has ended";

    public override int Threads => programs.Length;

    /// <summary>A closer waits for visitors; that is its contract.</summary>
    public override bool IsLockFree => !programs.Any(program => program.Contains('c'));

    public override void Prepare(ModelMemory memory)
    {
        _gate = memory.Words("gate");
        _heap = memory.Words("heap");
    }

    public override void Body(Run run, int thread)
    {
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'v' when Gate<ModelAtomics>.TryEnter(_gate):
                    run.Assert(ModelAtomics.Read(_heap, MemoryOrder.Plain, Site.None) == 0, "a visitor finds the heap gone");
                    Gate<ModelAtomics>.Leave(_gate);
                    break;
                case 'c' when Gate<ModelAtomics>.TryClose(_gate):
                    while (!Gate<ModelAtomics>.IsEmpty(_gate))
                        run.Memory.SpinHint();
                    run.Assert(ModelAtomics.Read(_heap, MemoryOrder.Plain, Site.None) == 0, "two closers end the heap");
                    ModelAtomics.Write(_heap, 1, MemoryOrder.Plain, Site.None);
                    Gate<ModelAtomics>.MarkClosed(_gate);
                    break;
                case 'w' when Gate<ModelAtomics>.IsClosed(_gate):
                    run.Assert(ModelAtomics.Read(_heap, MemoryOrder.Plain, Site.None) == 1, "it is closed, and the heap has not ended");
                    break;
                default:
                    break;
            }
        }
    }

    public override void Check(Run run)
    {
        var word = ModelAtomics.LoadAcquire(_gate, Site.None);
        run.Assert((word & ~(3ul << 62)) == 0, $"visits are left over: {word:x}");
        run.Assert(Gate<ModelAtomics>.IsClosed(_gate) == programs.Any(program => program.Contains('c')), $"the gate is left at {word:x}");
    }
}
