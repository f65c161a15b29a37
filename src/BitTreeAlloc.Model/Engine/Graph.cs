using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Model.Engine;

/// <summary>
/// Owns: one execution graph: the events of each thread, and per location the coherence order and the reads. Native memory of one shape per exploration, so that a copy is a few block copies.
/// Invariants: I-X1 an event's id (thread, index) is stable: a restriction cuts suffixes of threads. I-X2 stamps grow along each thread.
/// Callers: GraphEngine, the consistency predicates, reports. One thread at a time.
/// </summary>
internal unsafe struct Graph
{
    /// <summary>The id of the initial store of every location.</summary>
    public const ushort Init = 0xFFFF;

    /// <summary>Results that a thread may record.</summary>
    public const int MaxResults = 8;

    public GraphHeader* Header;
    public Event* Events;
    public LocationLists* Locations;
    public int EventCapacity;

    /// <summary>Event (thread, index).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Event* At(int thread, int index) => Events + (thread * EventCapacity) + index;

    /// <summary>Event by id.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Event* At(int id) => Events + ((id >> 8) * EventCapacity) + (id & 255);

    /// <summary>Place in coherence order of the store a read reads; −1 is the initial store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int PlaceOf(ushort source) => source == Init ? -1 : At(source)->Place;

    /// <summary>Makes this a copy of <paramref name="other"/>.</summary>
    public readonly void CopyFrom(in Graph other, int threads, int locations)
    {
        Header->CopyFrom(other.Header, threads);
        for (var thread = 0; thread < threads; thread++)
        {
            var start = thread * EventCapacity;
            Unsafe.CopyBlock(Events + start, other.Events + start, (uint)(other.Header->Counts[thread] * sizeof(Event)));
        }

        for (var location = 0; location < locations; location++)
            CopyLists(Locations + location, other.Locations + location);
    }

    /// <summary>Makes this a copy of the first <paramref name="counts"/> events of each thread of <paramref name="other"/>.</summary>
    public readonly void CopyRestricted(in Graph other, int threads, int locations, int* counts)
    {
        Header->CopyFrom(other.Header, threads);
        ulong view = 0;
        for (var thread = 0; thread < threads; thread++)
        {
            var start = thread * EventCapacity;
            Unsafe.CopyBlock(Events + start, other.Events + start, (uint)(counts[thread] * sizeof(Event)));
            if (counts[thread] != other.Header->Counts[thread])
                Header->Done &= (byte)~(1 << thread);
            Header->Counts[thread] = (byte)counts[thread];
            view = Views.With(view, thread, counts[thread]);
        }

        for (var location = 0; location < locations; location++)
            RestrictLists(Locations + location, other.Locations + location, view);
    }

    private static void CopyLists(LocationLists* to, LocationLists* from)
    {
        to->StoreCount = from->StoreCount;
        to->ReadCount = from->ReadCount;
        Unsafe.CopyBlock(to->Stores, from->Stores, (uint)from->StoreCount * sizeof(ushort));
        Unsafe.CopyBlock(to->Reads, from->Reads, (uint)from->ReadCount * sizeof(ushort));
    }

    private readonly void RestrictLists(LocationLists* to, LocationLists* from, ulong view)
    {
        var kept = 0;
        for (var index = 0; index < from->StoreCount; index++)
        {
            var id = from->Stores[index];
            if (!Views.Has(view, id))
                continue;
            At(id)->Place = (ushort)kept;
            to->Stores[kept++] = id;
        }

        to->StoreCount = (ushort)kept;
        kept = 0;
        for (var index = 0; index < from->ReadCount; index++)
        {
            if (Views.Has(view, from->Reads[index]))
                to->Reads[kept++] = from->Reads[index];
        }

        to->ReadCount = (ushort)kept;
    }

    /// <summary>Inserts a store into coherence order at <paramref name="place"/>.</summary>
    public readonly void InsertStore(int location, int place, ushort id)
    {
        var lists = Locations + location;
        if (lists->StoreCount == LocationLists.Capacity)
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"more than {LocationLists.Capacity} writes of one location");
        for (var index = lists->StoreCount; index > place; index--)
        {
            var moved = lists->Stores[index - 1];
            lists->Stores[index] = moved;
            At(moved)->Place = index;
        }

        lists->Stores[place] = id;
        lists->StoreCount++;
        At(id)->Place = (ushort)place;
    }

    /// <summary>Takes a store out of coherence order.</summary>
    public readonly void RemoveStore(int location, int place)
    {
        var lists = Locations + location;
        lists->StoreCount--;
        for (var index = place; index < lists->StoreCount; index++)
        {
            var moved = lists->Stores[index + 1];
            lists->Stores[index] = moved;
            At(moved)->Place = (ushort)index;
        }
    }
}

/// <summary>Counts and results of a graph.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GraphHeader
{
    public fixed byte Counts[Views.MaxThreads];
    public fixed byte ResultCounts[Views.MaxThreads];
    public int NextStamp;

    /// <summary>Non-default choices on the way here.</summary>
    public int Deviations;

    /// <summary>Sequentially consistent events.</summary>
    public int SeqCstEvents;

    /// <summary>Threads that ran to their end in this graph.</summary>
    public byte Done;

    /// <summary>The thread whose last event is the read of a read-modify-write that has yet to write, or 255.</summary>
    public byte Pending;

    /// <summary>Last, because a copy takes only what is used of it.</summary>
    public fixed ulong Results[Views.MaxThreads * Graph.MaxResults];

    /// <summary>Makes this a copy of <paramref name="other"/>.</summary>
    public void CopyFrom(GraphHeader* other, int threads)
    {
        fixed (GraphHeader* to = &this)
        {
            Unsafe.CopyBlock(to, other, (uint)(sizeof(GraphHeader) - (sizeof(ulong) * Views.MaxThreads * Graph.MaxResults)));
            if (*(ulong*)to->ResultCounts == 0)
                return;
            for (var thread = 0; thread < threads; thread++)
            {
                var start = thread * Graph.MaxResults;
                for (var number = 0; number < to->ResultCounts[thread]; number++)
                    to->Results[start + number] = other->Results[start + number];
            }
        }
    }
}

/// <summary>Stores in coherence order and reads in insertion order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LocationLists
{
    public const int Capacity = 94;

    public ushort StoreCount;
    public ushort ReadCount;
    public fixed ushort Stores[Capacity];
    public fixed ushort Reads[Capacity];
}
