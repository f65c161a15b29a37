using System.Numerics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>Relations over the events of a graph as rows of bits; events are numbered thread by thread.</summary>
internal unsafe ref struct Relations
{
    /// <summary>Most events of one graph.</summary>
    public const int MaxEvents = 256;

    public const int MaxWords = MaxEvents / 64;

    private readonly Graph _graph;
    private readonly int _threads;
    private readonly int _locations;
    private fixed int _starts[Views.MaxThreads + 1];

    public Relations(in Graph graph, int threads, int locations)
    {
        _graph = graph;
        _threads = threads;
        _locations = locations;
        for (var thread = 0; thread < threads; thread++)
            _starts[thread + 1] = _starts[thread] + graph.Header->Counts[thread];
        Count = _starts[threads];
        if (Count > MaxEvents)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"{Count} events in one execution; the consistency check holds {MaxEvents}");
        Words = (Count + 63) >> 6;
    }

    public int Count { get; }

    public int Words { get; }

    public readonly int NumberOf(ushort id) => _starts[id >> 8] + (id & 255);

    public readonly int PlaceOf(ushort source) => _graph.PlaceOf(source);

    public readonly int Start(int thread) => _starts[thread];

    public readonly Event* Event(int number, out ushort id)
    {
        var thread = 0;
        while (number >= _starts[thread + 1])
            thread++;
        id = (ushort)((thread << 8) | (number - _starts[thread]));
        return _graph.At(id);
    }

    public readonly void Set(ulong* rows, int from, int to) => rows[(from * Words) + (to >> 6)] |= 1ul << (to & 63);

    public readonly bool Has(ulong* rows, int from, int to) => (rows[(from * Words) + (to >> 6)] >> (to & 63) & 1) != 0;

    public readonly void Union(ulong* into, int row, ulong* from, int other)
    {
        for (var word = 0; word < Words; word++)
            into[(row * Words) + word] |= from[(other * Words) + word];
    }

    /// <summary>Coherence order between neighbours, and from each read to the store after its source.</summary>
    public readonly void AddCoherence(ulong* rows)
    {
        for (var location = 0; location < _locations; location++)
        {
            var lists = _graph.Locations + location;
            for (var place = 0; place + 1 < lists->StoreCount; place++)
                Set(rows, NumberOf(lists->Stores[place]), NumberOf(lists->Stores[place + 1]));
            for (var index = 0; index < lists->ReadCount; index++)
            {
                var read = lists->Reads[index];
                var next = _graph.PlaceOf(_graph.At(read)->Source) + 1;
                if (next >= lists->StoreCount)
                    continue;

                // A read-modify-write's read comes before its own write anyway.
                Set(rows, NumberOf(read), NumberOf(lists->Stores[next]));
            }
        }
    }

    /// <summary>Adds what follows from two steps.</summary>
    public readonly void Close(ulong* rows)
    {
        for (var middle = 0; middle < Count; middle++)
        {
            for (var row = 0; row < Count; row++)
            {
                if (Has(rows, row, middle))
                    Union(rows, row, rows, middle);
            }
        }
    }

    /// <summary>Whether the rows have no cycle: events without a successor are taken away until none is left.</summary>
    public readonly bool IsAcyclic(ulong* rows)
    {
        var alive = stackalloc ulong[MaxWords];
        for (var word = 0; word < Words; word++)
            alive[word] = (word + 1) << 6 <= Count ? ulong.MaxValue : (1ul << (Count & 63)) - 1;
        for (var changed = true; changed;)
        {
            changed = false;
            var any = false;
            for (var word = Words - 1; word >= 0; word--)
            {
                for (var left = alive[word]; left != 0;)
                {
                    var bit = 63 - BitOperations.LeadingZeroCount(left);
                    left &= ~(1ul << bit);
                    if (Meets(rows + (((word << 6) + bit) * Words), alive))
                    {
                        any = true;
                        continue;
                    }

                    alive[word] &= ~(1ul << bit);
                    changed = true;
                }
            }

            if (!any)
                return true;
        }

        return false;
    }

    private readonly bool Meets(ulong* row, ulong* alive)
    {
        for (var word = 0; word < Words; word++)
        {
            if ((row[word] & alive[word]) != 0)
                return true;
        }

        return false;
    }
}
