namespace BitTreeAlloc.Model.Engine;

/// <summary>What makes an execution: the source of every read and the coherence order of every location, as one number. Two executions with one hash are one built twice.</summary>
internal static unsafe class GraphHash
{
    public static UInt128 Of(in Graph graph, int threads, int locations)
    {
        var low = 14695981039346656037ul;
        var high = 0x9E3779B97F4A7C15ul;
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                var added = graph.At(thread, index);
                Mix(ref low, ref high, added->Kind == EventKind.Choice ? added->Low : added->Kind == EventKind.Read ? added->Source : 0xFFFF0u);
            }

            Mix(ref low, ref high, 0xFFFFF);
        }

        for (var location = 0; location < locations; location++)
        {
            var lists = graph.Locations + location;
            for (var place = 0; place < lists->StoreCount; place++)
                Mix(ref low, ref high, lists->Stores[place]);
            Mix(ref low, ref high, 0xFFFFF);
        }

        return new UInt128(high, low);
    }

    private static void Mix(ref ulong low, ref ulong high, ulong value)
    {
        low = (low ^ value) * 1099511628211ul;
        high = (ulong.RotateLeft(high, 23) ^ value) * 0xD6E8FEB86659FD93ul;
    }
}
