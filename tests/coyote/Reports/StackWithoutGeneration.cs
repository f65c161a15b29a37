using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>
/// The classic: a stack whose head is a pointer alone, or with a generation beside it when <paramref name="fixedUp"/>. Threads are words of operations: '-' pops, '+' pushes back what was popped
/// longest ago. A thread that keeps a node owns it.
/// </summary>
internal sealed unsafe class StackWithoutGeneration(string[] threads, int nodes, bool fixedUp = false) : Scenario, IShrinkable, IWordDecoder
{
    private ulong* _head;
    private ulong* _next;
    private ulong* _owner;

    public override string Name => $"test/stack-{(fixedUp ? "generation" : "pointer")}:{string.Join('|', threads)}:{nodes.ToString(CultureInfo.InvariantCulture)}";

    public override string Claim => "a node has one owner";

    public override int Threads => threads.Length;

    public override void Prepare(ModelMemory memory)
    {
        _head = memory.Words("head");
        _next = memory.Words("next", nodes);
        _owner = memory.Words("owner", nodes);
        for (var node = 0; node < nodes; node++)
            ModelAtomics.Write(_next + node, (ulong)(node + 1 < nodes ? node + 2 : 0), MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(_head, nodes > 0 ? 1ul : 0, MemoryOrder.Relaxed, Site.None);
    }

    public override void Body(Run run, int thread)
    {
        var held = new Queue<ulong>();
        foreach (var operation in threads[thread])
        {
            if (operation == '-' && Pop() is var node and not 0)
            {
                run.Assert(ModelAtomics.FetchAddAcqRel(_owner + (node - 1), 1, Site.None) == 0, $"node {node} has two owners");
                held.Enqueue(node);
            }
            else if (operation == '+' && held.TryDequeue(out var back))
            {
                ModelAtomics.FetchAddAcqRel(_owner + (back - 1), ulong.MaxValue, Site.None);
                Push(back);
            }
        }
    }

    public string? Decode(string location, ulong low, ulong high) => location switch
    {
        "head" => $"{((uint)low == 0 ? "empty" : $"n{(uint)low}")}{(fixedUp ? $"/g{low >> 32}" : "")}",
        _ when location.StartsWith("next", StringComparison.Ordinal) => low == 0 ? "end" : $"n{low}",
        _ => null,
    };

    public IEnumerable<Scenario> Smaller()
    {
        for (var thread = 0; thread < threads.Length; thread++)
        {
            if (threads.Length > 1)
                yield return new StackWithoutGeneration([.. threads.Where((_, number) => number != thread)], nodes, fixedUp);
        }

        for (var thread = 0; thread < threads.Length; thread++)
        {
            for (var operation = 0; operation < threads[thread].Length; operation++)
                yield return new StackWithoutGeneration([.. threads.Select((text, number) => number == thread ? text.Remove(operation, 1) : text)], nodes, fixedUp);
        }

        if (nodes > 1)
            yield return new StackWithoutGeneration(threads, nodes - 1, fixedUp);
    }

    private ulong Pop()
    {
        for (; ; )
        {
            var seen = ModelAtomics.LoadAcquire(_head, Site.StackLoadHead);
            if ((uint)seen == 0)
                return 0;
            var next = ModelAtomics.LoadAcquire(_next + ((uint)seen - 1), Site.StackLoadLink);
            if (ModelAtomics.CompareExchangeAcqRel(_head, seen, next | Generation(seen, 1), Site.StackPop))
                return (uint)seen;
        }
    }

    private void Push(ulong node)
    {
        for (; ; )
        {
            var seen = ModelAtomics.LoadAcquire(_head, Site.StackLoadHead);
            ModelAtomics.StoreRelease(_next + (node - 1), (uint)seen, Site.StackStoreLink);
            if (ModelAtomics.CompareExchangeAcqRel(_head, seen, node | Generation(seen, 0), Site.StackPush))
                return;
        }
    }

    private ulong Generation(ulong seen, ulong step) => fixedUp ? ((seen >> 32) + step) << 32 : 0;
}
