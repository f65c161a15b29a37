using System.Runtime.CompilerServices;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>Sequential consistency: program order, reads-from, coherence and from-read have no cycle.</summary>
internal readonly unsafe struct ScModel : IConsistency
{
    [SkipLocalsInit]
    public static bool IsConsistent(in Graph graph, int threads, int locations)
    {
        var relations = new Relations(graph, threads, locations);
        var rows = stackalloc ulong[relations.Count * relations.Words];
        Unsafe.InitBlock(rows, 0, (uint)(relations.Count * relations.Words * sizeof(ulong)));
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                var number = relations.Start(thread) + index;
                if (index > 0)
                    relations.Set(rows, number - 1, number);
                var added = graph.At(thread, index);
                if (added->Kind == EventKind.Read && added->Source != Graph.Init)
                    relations.Set(rows, relations.NumberOf(added->Source), number);
            }
        }

        relations.AddCoherence(rows);
        return relations.IsAcyclic(rows);
    }
}
