using System.Runtime.CompilerServices;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Models;

/// <summary>
/// A process-wide fence makes every other thread pass a full fence between its begin and its end. Where in that thread is not said: an execution is one of the model if some choice of
/// places, one in each other thread, leaves the fences without a cycle.
/// </summary>
/// <remarks>
/// A fence comes before another when something after the first is, or happens before, or is overtaken in coherence by (eco), something before the second. The caller's fence is two: its
/// begin comes before the others' fences, its end after them. A thread that goes on later may still take its place at its end, so the newest choice is always consistent.
/// Accesses that are sequentially consistent by themselves are not ordered with these fences; the seam has none.
/// </remarks>
internal static unsafe class ProcessWideFences
{
    /// <summary>Fences that one check holds, the callers' begins and ends included.</summary>
    private const int MaxFences = 32;

    public static bool AreIn(in Graph graph, int threads)
    {
        for (var thread = 0; thread < threads; thread++)
        {
            for (var index = 0; index < graph.Header->Counts[thread]; index++)
            {
                if (graph.At(thread, index)->Order == MemoryOrder.ProcessWide)
                    return true;
            }
        }

        return false;
    }

    /// <summary>Whether places can be found. <paramref name="before"/> is a transitive order of the events; <paramref name="eco"/> may be null where it contains coherence.</summary>
    [SkipLocalsInit]
    public static bool FindPlaces(in Graph graph, in Relations relations, int threads, ulong* before, ulong* eco)
    {
        if (!AreIn(graph, threads))
            return true;
        var size = relations.Count * relations.Words;
        var reach = stackalloc ulong[size];
        var past = stackalloc ulong[size];
        Unsafe.InitBlock(past, 0, (uint)(size * sizeof(ulong)));
        for (var number = 0; number < relations.Count; number++)
        {
            Reach(relations, before, eco, number, reach);
            for (var other = 0; other < relations.Count; other++)
            {
                if (other == number || relations.Has(before, other, number))
                    relations.Set(past, number, other);
            }
        }

        var search = new FencePlaces(graph, relations, threads, reach, past);
        return search.PlaceFrom(0);
    }

    /// <summary>What an event leads to, itself included: in happens-before, then by one step of eco.</summary>
    private static void Reach(in Relations relations, ulong* before, ulong* eco, int number, ulong* reach)
    {
        for (var word = 0; word < relations.Words; word++)
            reach[(number * relations.Words) + word] = before[(number * relations.Words) + word];
        relations.Set(reach, number, number);
        if (eco == null)
            return;
        for (var other = 0; other < relations.Count; other++)
        {
            if (other == number || relations.Has(before, number, other))
                relations.Union(reach, number, eco, other);
        }
    }

    /// <summary>Depth-first search over the places of the others' fences, the order of all fences kept without a cycle.</summary>
    private ref struct FencePlaces
    {
        private readonly Relations _relations;
        private readonly ulong* _reach;
        private readonly ulong* _past;
        private fixed int _counts[Views.MaxThreads];

        // Per fence: what it leads to and what leads to it, as sets of events; its thread where a place is to be found, or −1; the fences it comes before by construction.
        private fixed ulong _out[MaxFences * Relations.MaxWords];
        private fixed ulong _in[MaxFences * Relations.MaxWords];
        private fixed int _threads[MaxFences];
        private fixed ulong _given[MaxFences];
        private int _fences;

        public FencePlaces(in Graph graph, in Relations relations, int threads, ulong* reach, ulong* past)
        {
            _relations = relations;
            _reach = reach;
            _past = past;
            for (var thread = 0; thread < threads; thread++)
                _counts[thread] = graph.Header->Counts[thread];
            for (var thread = 0; thread < threads; thread++)
            {
                for (var index = 0; index < _counts[thread]; index++)
                {
                    var added = graph.At(thread, index);
                    if (added->Kind == EventKind.Fence && added->Order.IsSeqCst())
                        AddFence(threads, thread, index, added->Order == MemoryOrder.ProcessWide);
                }
            }
        }

        /// <summary>Finds places for the fences from number <paramref name="fence"/> on. The end of a thread comes first: most often nothing is there yet.</summary>
        public bool PlaceFrom(int fence)
        {
            while (fence < _fences && _threads[fence] < 0)
                fence++;
            if (fence == _fences)
                return IsAcyclic();
            for (var place = _counts[_threads[fence]]; place >= 0; place--)
            {
                SetPlace(fence, _threads[fence], place, place);
                if (PlaceFrom(fence + 1))
                    return true;
            }

            return false;
        }

        private void AddFence(int threads, int thread, int index, bool isProcessWide)
        {
            var begin = Next();
            SetPlace(begin, thread, index, index + 1);
            if (!isProcessWide)
                return;

            // The begin leads nowhere but to the others' fences and to its own end, and nothing leads to the end but they.
            var end = Next();
            SetPlace(end, thread, index, index + 1);
            for (var word = 0; word < Relations.MaxWords; word++)
            {
                _out[(begin * Relations.MaxWords) + word] = 0;
                _in[(end * Relations.MaxWords) + word] = 0;
            }

            _given[begin] |= 1ul << end;
            for (var other = 0; other < threads; other++)
            {
                if (other == thread)
                    continue;
                var fence = Next();
                _threads[fence] = other;
                _given[begin] |= 1ul << fence;
                _given[fence] |= 1ul << end;
            }
        }

        private int Next()
        {
            if (_fences == MaxFences)
                throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"more than {MaxFences} fences in an execution with process-wide ones");
            _threads[_fences] = -1;
            return _fences++;
        }

        /// <summary>A fence behind the first <paramref name="after"/> events of its thread and before those from <paramref name="from"/> on.</summary>
        private void SetPlace(int fence, int thread, int after, int from)
        {
            for (var word = 0; word < Relations.MaxWords; word++)
            {
                ulong leads = 0, led = 0;
                for (var index = from; word < _relations.Words && index < _counts[thread]; index++)
                    leads |= _reach[((_relations.Start(thread) + index) * _relations.Words) + word];
                for (var index = 0; word < _relations.Words && index < after; index++)
                    led |= _past[((_relations.Start(thread) + index) * _relations.Words) + word];
                _out[(fence * Relations.MaxWords) + word] = leads;
                _in[(fence * Relations.MaxWords) + word] = led;
            }
        }

        private readonly bool IsAcyclic()
        {
            var before = stackalloc ulong[MaxFences];
            for (var fence = 0; fence < _fences; fence++)
            {
                before[fence] = _given[fence];
                for (var other = 0; other < _fences; other++)
                {
                    if (other != fence && Meets(fence, other))
                        before[fence] |= 1ul << other;
                }
            }

            // Fences without a successor are taken away until none is left.
            var alive = (1ul << _fences) - 1;
            for (var changed = true; changed;)
            {
                changed = false;
                for (var fence = 0; fence < _fences; fence++)
                {
                    if ((alive >> fence & 1) == 0 || (before[fence] & alive) != 0)
                        continue;
                    alive &= ~(1ul << fence);
                    changed = true;
                }
            }

            return alive == 0;
        }

        private readonly bool Meets(int fence, int other)
        {
            for (var word = 0; word < Relations.MaxWords; word++)
            {
                if ((_out[(fence * Relations.MaxWords) + word] & _in[(other * Relations.MaxWords) + word]) != 0)
                    return true;
            }

            return false;
        }
    }
}
