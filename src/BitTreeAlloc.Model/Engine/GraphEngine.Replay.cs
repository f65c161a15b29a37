using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Reports;

namespace BitTreeAlloc.Model.Engine;

/// <summary>Driving the engine from outside: the search in single steps, and the rebuilding of one graph from its shape.</summary>
internal sealed unsafe partial class GraphEngine
{
    /// <summary>Graphs that wait.</summary>
    public int WorkCount => _work.Count;

    /// <summary>Puts the empty graph on the work list, and nothing else.</summary>
    public void BeginSearch()
    {
        ClearWork();
        Result = new ExplorationResult();
        _work.Add(RentEmpty());
    }

    /// <summary>Runs the graph at <paramref name="index"/> of the work list to its end; the graphs it leads to go to the list's end.</summary>
    public void Step(int index, Action<int>[] bodies)
    {
        _graph = _work[index];
        _work.RemoveAt(index);
        if (FinishPending())
            RunAll(bodies);
        else
            Result.Discarded++;
        _free.Push(_graph);
    }

    /// <summary>Counts from nought again.</summary>
    public void ResetResult() => Result = new ExplorationResult();

    /// <summary>Takes the work list away, oldest first.</summary>
    public Graph[] TakeWork()
    {
        var taken = _work.ToArray();
        _work.Clear();
        return taken;
    }

    /// <summary>Puts a graph that was taken on the work list.</summary>
    public void GiveWork(in Graph graph) => _work.Add(graph);

    /// <summary>Forgets what waits.</summary>
    public void ClearWork()
    {
        foreach (var graph in _work)
            _free.Push(graph);
        _work.Clear();
    }

    /// <summary>
    /// Builds the graph that <paramref name="shape"/> describes as the current one. Each thread runs as far as its sources exist, in turns, until all events are there.
    /// The memory's engine must be <paramref name="driver"/>. False where the bodies do not fit the shape.
    /// </summary>
    public bool Rebuild(ExecutionShape shape, Driver driver, Action<int>[] bodies)
    {
        ClearWork();
        Result = new ExplorationResult();
        _graph = RentEmpty();
        driver.Begin(shape);
        for (var grown = true; grown;)
        {
            grown = false;
            for (var thread = 0; thread < _threads; thread++)
            {
                var before = (int)_graph.Header->Counts[thread];
                if (before == shape.Threads[thread].Events)
                    continue;
                RunDriven(thread, bodies[thread]);
                grown |= _graph.Header->Counts[thread] > before;
            }
        }

        for (var thread = 0; thread < _threads; thread++)
        {
            if (_graph.Header->Counts[thread] != shape.Threads[thread].Events)
                return false;
        }

        return true;
    }

    /// <summary>
    /// Runs the current graph on to its end, the default way and <paramref name="first"/> before the others; what would branch off is forgotten. The error, if any, is in the result.
    /// </summary>
    public void Finish(Action<int>[] bodies, int first)
    {
        try
        {
            _thread = first;
            _cursor = 0;
            _count = _graph.Header->Counts[first];
            _graph.Header->ResultCounts[first] = 0;
            bodies[first](first);
        }
        catch (ThreadStoppedException)
        {
            // It waits, or is stopped.
        }
        catch (ModelErrorException error)
        {
            Result.Error = error.Error with { Thread = first };
            AtError?.Invoke();
        }
        catch (NullReferenceException)
        {
            // A raw access: the others' run meets it again.
        }

        if (Result.Error == null)
            RunAll(bodies);
        ClearWork();
    }

    private void RunDriven(int thread, Action<int> body)
    {
        _thread = thread;
        _cursor = 0;
        _count = _graph.Header->Counts[thread];
        _graph.Header->ResultCounts[thread] = 0;
        try
        {
            body(thread);
        }
        catch (ThreadStoppedException)
        {
            // A source is missing, or the shape ends here.
        }
        catch (ModelErrorException)
        {
            // The error to be shown again; the run to the end meets it once more.
        }
        catch (NullReferenceException)
        {
            // A raw access, likewise.
        }
    }

    private Graph RentEmpty()
    {
        var graph = Rent();
        Unsafe.InitBlock(graph.Header, 0, (uint)sizeof(GraphHeader));
        Unsafe.InitBlock(graph.Locations, 0, (uint)(_locationCapacity * sizeof(LocationLists)));
        graph.Header->Pending = 255;
        return graph;
    }

    /// <summary>Stands in for the engine while a graph is rebuilt: new events take their source and place from the shape.</summary>
    internal sealed class Driver(GraphEngine engine) : IModelEngine
    {
        private readonly int[] _places = new int[Views.MaxThreads * 256];
        private readonly int[] _next = new int[Views.MaxThreads];
        private ExecutionShape _shape = null!;

        public void Begin(ExecutionShape shape)
        {
            _shape = shape;
            Array.Clear(_next);
        }

        public int AddLocation(ulong low, ulong high) => engine.AddLocation(low, high);

        public (ulong Low, ulong High) FinalOf(int location) => engine.FinalOf(location);

        public ulong Read(int location, MemoryOrder order, int half, Site site)
        {
            var read = engine.Next(EventKind.Read, location, site);
            if (read == null)
            {
                read = AddRead(location, order, site, out var source);
                read->Half = (byte)half;
                Attach(read, source, location, order);
                if (order == MemoryOrder.Plain)
                    engine._plainSeen[location] = true;
            }

            return engine.ValueOf(read->Source, location, half);
        }

        public void Write(int location, ulong low, ulong high, MemoryOrder order, Site site)
        {
            if (engine.Next(EventKind.Write, location, site) != null)
                return;
            var place = TakeDecision();
            if (order == MemoryOrder.Plain)
                engine._plainSeen[location] = true;
            var write = engine.Append(EventKind.Write, location, order, site);
            (write->Low, write->High) = (low, high);
            engine.SetReleased(write, 0);
            engine.CountSeqCst(order);
            Insert(location, place);
        }

        public (ulong Low, ulong High, bool Wrote) ReadModifyWrite(int location, RmwKind kind, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh, MemoryOrder order, Site site)
        {
            var read = engine.Next(EventKind.Read, location, site);
            if (read == null)
            {
                read = AddRead(location, order, site, out var source);
                SetOperands(read, kind, expectedLow, expectedHigh, desiredLow, desiredHigh, order);
                Attach(read, source, location, order);
                if (read->Writes != 0)
                    AddWriteHalf(read, location);
            }
            else if (read->Writes != 0)
            {
                engine._cursor++;
            }

            return (engine.ValueOf(read->Source, location, 0), engine.ValueOf(read->Source, location, 1), read->Writes != 0);
        }

        public void Fence(MemoryOrder order, Site site)
        {
            if (engine._cursor >= engine._count)
                StopAtEnd();
            engine.Fence(order, site);
        }

        public int Choose(int branches, Site site)
        {
            var recorded = engine.Next(EventKind.Choice, 0, site);
            if (recorded != null)
                return (int)recorded->Low;
            var value = TakeDecision();
            engine.Append(EventKind.Choice, 0, MemoryOrder.Relaxed, site)->Low = (ulong)value;
            Advance();
            return value;
        }

        private Event* AddRead(int location, MemoryOrder order, Site site, out ushort source)
        {
            StopAtEnd();
            var decisions = _shape.Threads[engine._thread].Decisions;
            var number = _next[engine._thread];
            source = number < decisions.Length ? SourceAt(location, decisions[number] - 1) : throw ThreadStoppedException.Instance;
            _next[engine._thread]++;
            return engine.Append(EventKind.Read, location, order, site);
        }

        private void Attach(Event* read, ushort source, int location, MemoryOrder order)
        {
            read->Source = source;
            engine.Attach(engine._graph, read);
            AddToReads(engine._graph, location, (ushort)((engine._thread << 8) | engine._count));
            engine.CountSeqCst(read->Rmw == RmwKind.None ? order : read->Order);
            Advance();
        }

        private void AddWriteHalf(Event* read, int location)
        {
            var place = read->Source == Graph.Init ? 0 : _places[read->Source] + 1;
            var write = engine.Append(EventKind.Write, location, read->Order, read->Site);
            ApplyRmw(read, engine.ValueOf(read->Source, location, 0), engine.ValueOf(read->Source, location, 1), write);
            write->Rmw = read->Rmw;
            write->Writes = 1;
            engine.SetReleased(write, read->Source == Graph.Init ? 0 : engine._graph.At(read->Source)->Released);
            engine.CountSeqCst(read->Order);
            Insert(location, place);
        }

        private void Insert(int location, int place)
        {
            var id = (ushort)((engine._thread << 8) | engine._count);
            _places[id] = place;
            var lists = engine._graph.Locations + location;
            var rank = 0;
            while (rank < lists->StoreCount && _places[lists->Stores[rank]] < place)
                rank++;
            engine._graph.InsertStore(location, rank, id);
            Advance();
        }

        /// <summary>The store that has that place in the end; a thread whose source is not there yet stops until it is.</summary>
        private ushort SourceAt(int location, int place)
        {
            if (place < 0)
                return Graph.Init;
            var lists = engine._graph.Locations + location;
            for (var index = 0; index < lists->StoreCount; index++)
            {
                if (_places[lists->Stores[index]] == place)
                    return lists->Stores[index];
            }

            throw ThreadStoppedException.Instance;
        }

        private int TakeDecision()
        {
            StopAtEnd();
            var decisions = _shape.Threads[engine._thread].Decisions;
            return _next[engine._thread] < decisions.Length ? decisions[_next[engine._thread]++] : throw ThreadStoppedException.Instance;
        }

        private void StopAtEnd()
        {
            if (engine._count >= _shape.Threads[engine._thread].Events)
                throw ThreadStoppedException.Instance;
        }

        private void Advance()
        {
            engine._cursor++;
            engine._count++;
        }
    }
}
