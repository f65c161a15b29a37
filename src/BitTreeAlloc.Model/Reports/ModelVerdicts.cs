using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Models;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Which memory models allow one and the same graph.</summary>
internal static unsafe class ModelVerdicts
{
    /// <summary>One verdict per model. Under NET a read-modify-write counts as the full fence that .NET makes of it.</summary>
    public static IReadOnlyDictionary<MemoryModel, bool> Of(in Graph graph, int threads, int locations) => new Dictionary<MemoryModel, bool>
    {
        [MemoryModel.Sc] = ScModel.IsConsistent(graph, threads, locations),
        [MemoryModel.Tso] = TsoModel.IsConsistent(graph, threads, locations),
        [MemoryModel.Net] = IsNet(graph, threads, locations),
        [MemoryModel.Rc11] = IsRc11(graph, threads, locations),
    };

    private static bool IsNet(in Graph graph, int threads, int locations)
    {
        var changed = new List<ushort>();
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                var added = graph.At(thread, index);
                if (added->Writes == 0 || added->Order != MemoryOrder.AcqRel)
                    continue;
                added->Order = MemoryOrder.SeqCst;
                changed.Add((ushort)((thread << 8) | index));
            }
        }

        var verdict = NetModel.IsConsistent(graph, threads, locations);
        foreach (var id in changed)
            graph.At(id)->Order = MemoryOrder.AcqRel;
        return verdict;
    }

    /// <summary>The engine counts sequentially consistent events only where the model it explores asks for them.</summary>
    private static bool IsRc11(in Graph graph, int threads, int locations)
    {
        var counted = graph.Header->SeqCstEvents;
        var count = 0;
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
                count += graph.At(thread, index)->Order == MemoryOrder.SeqCst ? 1 : 0;
        }

        graph.Header->SeqCstEvents = count;
        var verdict = Rc11Model.IsConsistent(graph, threads, locations);
        graph.Header->SeqCstEvents = counted;
        return verdict;
    }
}
