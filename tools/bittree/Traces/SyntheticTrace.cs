namespace BitTreeAlloc.Tool.Traces;

/// <summary>Traces that are made, not recorded, by name. The same in every process, so that a child need only be told the name.</summary>
internal static class SyntheticTrace
{
    /// <summary>A live set of 20 000 objects of mixed sizes, replaced at random, then freed.</summary>
    public const string Churn = "(churn)";

    /// <summary>48 MB of small objects, of which one in 16 stays; then as much of a larger size beside them.</summary>
    public const string Holes = "(holes)";

    /// <summary>Every call once.</summary>
    public const string Tiny = "(tiny)";

    /// <summary>Every call, and sizes of every kind, enough of them for the slow paths.</summary>
    public const string Start = "(start)";

    private const int ChurnLive = 20_000;
    private const int ChurnSteps = 400_000;
    private const int SmallObjects = 500_000;
    private const int KeptOneIn = 16;
    private const int StartObjects = 600;
    private const int Seed = 11;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [Churn, Holes, Tiny, Start];

    /// <summary>Makes the trace of that name.</summary>
    public static Trace Make(string name)
    {
        var trace = new Builder(name.Trim('(', ')'));
        switch (name)
        {
            case Churn:
                MakeChurn(trace);
                break;
            case Holes:
                MakeHoles(trace);
                break;
            case Tiny:
                MakeTiny(trace);
                break;
            default:
                MakeStart(trace);
                break;
        }

        return trace.Finish();
    }

    private static void MakeChurn(Builder trace)
    {
        var random = new Random(Seed);
        for (uint id = 0; id < ChurnLive; id++)
            trace.Alloc(TraceOp.Malloc, id, SizeMix.Draw(random));
        for (var step = 0; step < ChurnSteps; step++)
        {
            var id = (uint)random.Next(ChurnLive);
            trace.Free(id);
            trace.Alloc(TraceOp.Malloc, id, SizeMix.Draw(random));
        }
    }

    private static void MakeHoles(Builder trace)
    {
        var random = new Random(Seed);
        ulong bytes = 0;
        for (uint id = 0; id < SmallObjects; id++)
        {
            var size = 16 + (8 * (ulong)random.Next(20));
            bytes += size;
            trace.Alloc(TraceOp.Malloc, id, size);
        }

        for (uint id = 0; id < SmallObjects; id++)
        {
            if (id % KeptOneIn != 0)
                trace.Free(id);
        }

        const ulong larger = 640;
        for (uint i = 0; i < bytes / larger; i++)
            trace.Alloc(TraceOp.Malloc, SmallObjects + i, larger);
    }

    private static void MakeTiny(Builder trace)
    {
        trace.Alloc(TraceOp.Malloc, 0, 24);
        trace.Alloc(TraceOp.Calloc, 1, 24);
        trace.Realloc(0, 40);
    }

    private static void MakeStart(Builder trace)
    {
        ulong[] sizes = [8, 16, 24, 48, 64, 100, 200, 400, 1000, 3000, 8000, 20_000, 60_000, 100_000, 400_000, 3_000_000];
        foreach (var op in (TraceOp[])[TraceOp.Malloc, TraceOp.Calloc])
        {
            for (uint id = 0; id < StartObjects; id++)
                trace.Alloc(op, id, sizes[id % (id < 64 ? sizes.Length : 10)]);
            for (uint id = 0; id < StartObjects; id += 3)
                trace.Realloc(id, sizes[(id + 1) % (id < 64 ? sizes.Length : 10)]);
            for (uint id = 0; id < StartObjects; id++)
                trace.Free(id);
        }
    }

    /// <summary>Collects events and the figures of the head.</summary>
    private sealed class Builder(string name)
    {
        private readonly List<TraceEvent> _events = [];
        private readonly Dictionary<uint, ulong> _live = [];
        private ulong _bytes;
        private ulong _peakBytes;
        private ulong _peakObjects;
        private ulong _objects;
        private ulong _total;
        private uint _slots;

        public void Alloc(TraceOp op, uint id, ulong size)
        {
            _live.Add(id, size);
            _objects++;
            _slots = Math.Max(_slots, id + 1);
            Grow(op, id, size, 0);
        }

        public void Realloc(uint id, ulong size) => Grow(TraceOp.Realloc, id, size, _live[id]);

        public void Free(uint id)
        {
            _live.Remove(id, out var size);
            _bytes -= size;
            _events.Add(new TraceEvent { Op = TraceOp.Free, Id = id, Size = size });
        }

        public Trace Finish()
        {
            var body = (ulong)_events.Count;
            foreach (var id in _live.Keys.Order().ToList())
                Free(id);
            return new Trace(new TraceHeader(1, (ulong)_events.Count, body, _slots, _objects, _peakBytes, _peakObjects, _total, name), [.. _events]);
        }

        private void Grow(TraceOp op, uint id, ulong size, ulong old)
        {
            _events.Add(new TraceEvent { Op = op, Id = id, Size = size });
            _live[id] = size;
            _bytes += size - old;
            _total += size;
            _peakBytes = Math.Max(_peakBytes, _bytes);
            _peakObjects = Math.Max(_peakObjects, (ulong)_live.Count);
        }
    }
}
