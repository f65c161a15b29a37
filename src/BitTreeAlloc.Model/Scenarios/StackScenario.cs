using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Linearizability;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Threads that run little programs on the shipped stack. Letters: u push a fresh node, p pop, r push back what was popped last, f what was taken first, t take all.
/// Every node has an owner cell that is written plainly, so a node with two owners, or one whose last owner's writes are not seen, is an error; every history is linearizable to a stack.
/// </summary>
internal sealed unsafe class StackScenario(string name, string claim, bool wide, int initial, ulong maxDepth, params string[] programs) : Scenario, Reports.IShrinkable
{
    private const int MaxNodes = 12;
    private readonly ulong*[] _owners = new ulong*[MaxNodes];
    private readonly StackSpec _spec = new(maxDepth == ulong.MaxValue ? 16 : (int)maxDepth);
    private LinearizabilityChecker? _checker;
    private Word16* _head;
    private ulong* _nodes;
    private NodeArena _arena;
    private int _count;

    public override string Name => $"recycler/{name}-{(wide ? "cas16" : "cas8")}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override IReadOnlyList<string> Operations => _spec.Operations;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    /// <summary>Distinct histories that were searched.</summary>
    public int Histories => _checker?.Histories ?? 0;

    /// <summary>Without a thread, without a letter, with a node less.</summary>
    public IEnumerable<Scenario> Smaller()
    {
        foreach (var smaller in SmallerPrograms.Of(programs.Select(program => program.ToCharArray()).ToArray()))
            yield return new StackScenario(name, claim, wide, initial, maxDepth, [.. smaller.Select(program => new string(program))]) { Deviations = Deviations };
        if (initial > 0)
            yield return new StackScenario(name, claim, wide, initial - 1, maxDepth, programs) { Deviations = Deviations };
    }

    public override void Prepare(ModelMemory memory)
    {
        _count = initial + programs.Sum(program => program.Count(letter => letter == 'u'));
        _head = wide ? memory.Wide("head") : (Word16*)memory.Words("head", 2, 16);
        _nodes = memory.Words("node", 2 * _count, 16);
        _arena = new NodeArena((ulong)_nodes, 4, wide);
        var fresh = initial;
        for (var node = 0; node < _count; node++)
            _owners[node] = memory.Words($"owner[{node + 1}]");
        for (var thread = 0; thread < programs.Length; thread++)
        {
            foreach (var _ in programs[thread].Where(letter => letter == 'u'))
                ModelAtomics.Write(_owners[fresh++], (ulong)thread + 1, MemoryOrder.Plain, Site.None);
        }

        var state = 0ul;
        for (var node = 0; node < initial; node++)
        {
            NodeStack<ModelAtomics>.TryPush(_arena, _head, _nodes + (2 * node), ulong.MaxValue);
            state = (state << 4) | ((uint)node + 1);
        }

        _checker = new LinearizabilityChecker(_spec, state);
    }

    public override void Body(Run run, int thread)
    {
        var held = stackalloc int[MaxNodes];
        var count = 0;
        var fresh = initial + programs.Take(thread).Sum(program => program.Count(letter => letter == 'u'));
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'u':
                    Push(run, fresh++);
                    break;
                case 'r' when count > 0:
                    Push(run, held[--count]);
                    break;
                case 'f' when count > 0:
                    Push(run, held[0]);
                    count--;
                    for (var next = 0; next < count; next++)
                        held[next] = held[next + 1];
                    break;
                case 'p':
                    run.Begin(StackSpec.Pop);
                    var node = NumberOf(NodeStack<ModelAtomics>.TryPop(_arena, _head));
                    run.End((ulong)(node + 1));
                    if (node >= 0)
                        Own(run, held[count++] = node);
                    break;
                case 't':
                    TakeAll(run, held, ref count);
                    break;
                default:
                    break;
            }
        }
    }

    public override void Check(Run run) => _checker!.Check(run, programs.Length, CheckChain(run, 0));

    /// <summary>A stopped thread strands the one node in its hands, or the chain that it took (principle 4).</summary>
    public override void CheckStopped(Run run, int stopped) => CheckChain(run, programs[stopped].Contains('t') ? _count : 1);

    private void Push(Run run, int node)
    {
        run.Assert(ModelAtomics.Read(_owners[node], MemoryOrder.Plain, Site.None) == (ulong)run.Memory.Thread + 1, "a node changed hands in its owner's hands");
        ModelAtomics.Write(_owners[node], 0, MemoryOrder.Plain, Site.None);
        run.Begin(StackSpec.Push, node + 1);
        var pushed = NodeStack<ModelAtomics>.TryPush(_arena, _head, _nodes + (2 * node), maxDepth);
        run.End(pushed ? 1ul : 0);
        if (!pushed)
            ModelAtomics.Write(_owners[node], (ulong)run.Memory.Thread + 1, MemoryOrder.Plain, Site.None);
    }

    private void TakeAll(Run run, int* held, ref int count)
    {
        run.Begin(StackSpec.TakeAll);
        var first = NodeStack<ModelAtomics>.TakeAll(_arena, _head);
        var taken = 0ul;
        var shift = 0;
        for (var node = first; node != null; node = NodeStack<ModelAtomics>.NextOf(node), shift += 4)
        {
            run.Assert(shift < 32, "a chain runs in a circle");
            taken |= (ulong)(NumberOf(node) + 1) << shift;
        }

        run.End(taken);
        for (; taken != 0; taken >>= 4)
            Own(run, held[count++] = (int)(taken & 15) - 1);
    }

    private void Own(Run run, int node)
    {
        run.Assert(ModelAtomics.Read(_owners[node], MemoryOrder.Plain, Site.None) == 0, "a node was handed out twice");
        ModelAtomics.Write(_owners[node], (ulong)run.Memory.Thread + 1, MemoryOrder.Plain, Site.None);
    }

    private int NumberOf(ulong* node) => node == null ? -1 : (int)(((ulong)node - (ulong)_nodes) >> 4);

    /// <summary>The chain from the head; its depths; and that every node is there or owned, but for <paramref name="mayMiss"/>.</summary>
    private ulong CheckChain(Run run, int mayMiss)
    {
        var depth = NodeStack<ModelAtomics>.Depth(_arena, _head);
        var chain = 0ul;
        var length = 0;
        for (var node = NodeStack<ModelAtomics>.TakeAll(_arena, _head); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
        {
            run.Assert(length < _count, "the chain runs in a circle");
            chain |= (ulong)(NumberOf(node) + 1) << (4 * length++);
        }

        run.Assert(depth == (ulong)length, $"the depth says {depth}, the chain has {length} nodes");
        var owned = 0;
        for (var node = 0; node < _count; node++)
            owned += ModelAtomics.Read(_owners[node], MemoryOrder.Plain, Site.None) != 0 ? 1 : 0;
        if (_count - owned - length > mayMiss)
            run.Fail(ModelErrorKind.Leak, $"{_count - owned - length} of {_count} nodes are nobody's");
        run.Assert(owned + length <= _count, "a node is owned and on the stack");
        return chain;
    }
}
