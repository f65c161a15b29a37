using System.Runtime.CompilerServices;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>
/// RC11's axiom on sequentially consistent events (Lahav et al., "Repairing Sequential Consistency in C/C++11", PLDI 2017, in the form that GenMC implements: scb with po; hb; po):
/// psc has no cycle. Coherence and atomicity are kept by the engine's bounds.
/// </summary>
internal readonly unsafe struct Rc11Model : IConsistency
{
    public static bool IsConsistent(in Graph graph, int threads, int locations) => IsConsistent(graph, threads, locations, EngineMutant.None);

    [SkipLocalsInit]
    internal static bool IsConsistent(in Graph graph, int threads, int locations, EngineMutant mutant)
    {
        if (graph.Header->SeqCstEvents < 2)
            return true;
        var relations = new Relations(graph, threads, locations);
        var count = relations.Count;
        var words = relations.Words;
        var size = count * words;
        var memory = stackalloc ulong[size * 6];
        Unsafe.InitBlock(memory, 0, (uint)(size * 6 * sizeof(ulong)));
        var po = memory;
        var hb = memory + size;
        var com = memory + (size * 2);
        var eco = memory + (size * 3);
        var scb = memory + (size * 4);
        var psc = memory + (size * 5);
        AddThreads(graph, relations, po, hb, com, threads);
        relations.AddCoherence(com);
        Close(relations, com, eco);
        AddScBefore(relations, po, hb, scb, mutant == EngineMutant.PaperScb);
        AddPsc(relations, hb, eco, scb, psc, mutant != EngineMutant.NoFenceEco);
        return relations.IsAcyclic(psc) && ProcessWideFences.FindPlaces(graph, relations, threads, hb, eco);
    }

    private static void AddThreads(in Graph graph, in Relations relations, ulong* po, ulong* hb, ulong* com, int threads)
    {
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                var number = relations.Start(thread) + index;
                var added = graph.At(thread, index);
                for (var before = 0; before < index; before++)
                    relations.Set(po, relations.Start(thread) + before, number);
                for (var other = 0; other < threads; other++)
                {
                    for (var before = 0; before < Views.Count(added->Hb, other); before++)
                    {
                        if (other != thread || before != index)
                            relations.Set(hb, relations.Start(other) + before, number);
                    }
                }

                if (added->Kind == EventKind.Read && added->Source != Graph.Init)
                    relations.Set(com, relations.NumberOf(added->Source), number);
            }
        }
    }

    /// <summary>eco: the transitive closure of reads-from, coherence and from-read.</summary>
    private static void Close(in Relations relations, ulong* com, ulong* eco)
    {
        for (var word = 0; word < relations.Count * relations.Words; word++)
            eco[word] = com[word];
        relations.Close(eco);
    }

    /// <summary>scb = po | co | fr | hb on one location | po; hb; po.</summary>
    private static void AddScBefore(in Relations relations, ulong* po, ulong* hb, ulong* scb, bool paperForm)
    {
        for (var row = 0; row < relations.Count; row++)
        {
            relations.Union(scb, row, po, row);
            var from = relations.Event(row, out _);
            for (var other = 0; other < relations.Count; other++)
            {
                var to = relations.Event(other, out _);
                var isAccess = from->Kind is (EventKind.Read or EventKind.Write) && to->Kind is (EventKind.Read or EventKind.Write);
                if (isAccess && from->Location == to->Location)
                {
                    // co and fr: eco that ends in a store and does not start by reads-from alone.
                    if (to->Kind == EventKind.Write && row != other && IsBeforeInCoherence(relations, row, other))
                        relations.Set(scb, row, other);
                    if (relations.Has(hb, row, other))
                        relations.Set(scb, row, other);
                }

                if (!relations.Has(po, row, other) || (paperForm && isAccess && from->Location == to->Location))
                    continue;
                for (var middle = 0; middle < relations.Count; middle++)
                {
                    if (!relations.Has(hb, other, middle))
                        continue;
                    if (paperForm)
                        AddToOtherLocations(relations, po, middle, scb, row);
                    else
                        relations.Union(scb, row, po, middle);
                }
            }
        }
    }

    private static void AddToOtherLocations(in Relations relations, ulong* po, int middle, ulong* scb, int row)
    {
        var from = relations.Event(middle, out _);
        for (var last = 0; last < relations.Count; last++)
        {
            var to = relations.Event(last, out _);
            var isSame = from->Kind is (EventKind.Read or EventKind.Write) && to->Kind is (EventKind.Read or EventKind.Write) && from->Location == to->Location;
            if (relations.Has(po, middle, last) && !isSame)
                relations.Set(scb, row, last);
        }
    }

    private static bool IsBeforeInCoherence(in Relations relations, int row, int other)
    {
        var from = relations.Event(row, out _);
        var to = relations.Event(other, out _);
        var place = from->Kind == EventKind.Write ? from->Place : relations.PlaceOf(from->Source);
        return place < to->Place;
    }

    private static void AddPsc(in Relations relations, ulong* hb, ulong* eco, ulong* scb, ulong* psc, bool throughEco)
    {
        var words = relations.Words;
        var source = stackalloc ulong[Relations.MaxWords];
        var target = stackalloc ulong[Relations.MaxWords];
        var reach = stackalloc ulong[Relations.MaxWords];
        for (var row = 0; row < relations.Count; row++)
        {
            var from = relations.Event(row, out _);
            if (!from->Order.IsSeqCst())
                continue;
            var fromFence = from->Kind == EventKind.Fence;
            for (var word = 0; word < words; word++)
                source[word] = fromFence ? hb[(row * words) + word] : 0;
            source[row >> 6] |= 1ul << (row & 63);
            Image(relations, source, scb, target);

            // hb | hb; eco; hb for fences.
            for (var word = 0; word < words; word++)
                reach[word] = hb[(row * words) + word];
            if (throughEco)
                AddThroughEco(relations, hb, eco, row, reach);
            for (var other = 0; other < relations.Count; other++)
            {
                var to = relations.Event(other, out _);
                if (!to->Order.IsSeqCst())
                    continue;
                var toFence = to->Kind == EventKind.Fence;
                if (Reaches(relations, target, other, toFence, hb) || (fromFence && toFence && (reach[other >> 6] >> (other & 63) & 1) != 0))
                    relations.Set(psc, row, other);
            }
        }
    }

    private static bool Reaches(in Relations relations, ulong* target, int other, bool throughHb, ulong* hb)
    {
        if ((target[other >> 6] >> (other & 63) & 1) != 0)
            return true;
        if (!throughHb)
            return false;
        for (var before = 0; before < relations.Count; before++)
        {
            if ((target[before >> 6] >> (before & 63) & 1) != 0 && relations.Has(hb, before, other))
                return true;
        }

        return false;
    }

    private static void AddThroughEco(in Relations relations, ulong* hb, ulong* eco, int row, ulong* reach)
    {
        var first = stackalloc ulong[Relations.MaxWords];
        var second = stackalloc ulong[Relations.MaxWords];
        for (var word = 0; word < relations.Words; word++)
            first[word] = hb[(row * relations.Words) + word];
        Image(relations, first, eco, second);
        Image(relations, second, hb, first);
        for (var word = 0; word < relations.Words; word++)
            reach[word] |= first[word];
    }

    /// <summary>The union of the rows of a set.</summary>
    private static void Image(in Relations relations, ulong* set, ulong* rows, ulong* into)
    {
        for (var word = 0; word < relations.Words; word++)
            into[word] = 0;
        for (var row = 0; row < relations.Count; row++)
        {
            if ((set[row >> 6] >> (row & 63) & 1) == 0)
                continue;
            for (var word = 0; word < relations.Words; word++)
                into[word] |= rows[(row * relations.Words) + word];
        }
    }
}
