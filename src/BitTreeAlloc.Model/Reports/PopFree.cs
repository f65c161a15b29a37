using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>What the explorer is timed on: threads that pop a node of the shipped stack, use it, and push it again.</summary>
/// <param name="wide">The 16-byte head, or the 8-byte one.</param>
/// <param name="threads">Number of threads.</param>
/// <param name="nodes">Nodes on the stack at first.</param>
internal sealed unsafe class PopFree(bool wide, int threads, int nodes) : Scenario
{
    private readonly ulong*[] _owners = new ulong*[nodes];
    private Word16* _head;
    private ulong* _nodes;
    private NodeArena _arena;

    public override string Name => $"bench/pop-free-{threads}t-{nodes}n-{(wide ? "cas16" : "cas8")}";

    public override string Claim => "a popped node has one owner until it is pushed, and the next owner sees its writes";

    public override int Threads => threads;

    public override void Prepare(ModelMemory memory)
    {
        _head = wide ? memory.Wide("head") : (Word16*)memory.Words("head", 2, 16);
        _nodes = memory.Words("node", 2 * nodes, 16);
        _arena = new NodeArena((ulong)_nodes, 4, wide);
        for (var node = 0; node < nodes; node++)
        {
            _owners[node] = memory.Words($"owner[{node}]");
            NodeStack<ModelAtomics>.TryPush(_arena, _head, _nodes + (2 * node), ulong.MaxValue);
        }
    }

    public override void Body(Run run, int thread)
    {
        var node = NodeStack<ModelAtomics>.TryPop(_arena, _head);
        if (node == null)
            return;
        var owner = _owners[(int)(((ulong)node - (ulong)_nodes) >> 4)];
        run.Assert(ModelAtomics.Read(owner, MemoryOrder.Plain, Site.None) == 0, "a node was handed out twice");
        ModelAtomics.Write(owner, 1, MemoryOrder.Plain, Site.None);
        ModelAtomics.Write(owner, 0, MemoryOrder.Plain, Site.None);
        NodeStack<ModelAtomics>.TryPush(_arena, _head, node, ulong.MaxValue);
    }

    public override void Check(Run run)
    {
        var count = 0;
        for (var node = NodeStack<ModelAtomics>.TakeAll(_arena, _head); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
            count++;
        run.Assert(count == nodes, $"{count} of {nodes} nodes are left");
    }
}
