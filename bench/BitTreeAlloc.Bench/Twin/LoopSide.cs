using System.Runtime.InteropServices;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>Who runs the loops: an allocator with a cache for each of two threads.</summary>
internal abstract unsafe class LoopSide(string name) : IDisposable
{
    /// <summary>Threads that a loop has at most.</summary>
    protected const int Threads = 2;

    /// <summary>The row's name.</summary>
    public string Name { get; } = name;

    /// <summary>Runs <paramref name="operations"/> of a loop on the calling thread; returns the buffers whose content was wrong.</summary>
    public abstract ulong Run(LoopKind kind, int thread, PlanWords* plan, ulong operations, bool checks);

    public abstract void Dispose();
}

/// <summary>The twin in C, whole loops there.</summary>
internal sealed unsafe class TwinSide : LoopSide
{
    private readonly TwinLibrary _library;
    private readonly void* _heap;
    private readonly nint[] _caches = new nint[Threads];

    public TwinSide(string name, TwinLibrary library)
        : base(name)
    {
        _library = library;
        _heap = library.Open();
        for (var thread = 0; thread < Threads; thread++)
            _caches[thread] = (nint)library.Cache(_heap);
    }

    public override ulong Run(LoopKind kind, int thread, PlanWords* plan, ulong operations, bool checks) =>
        _library.Loop("twin", kind, checks)((void*)_caches[thread], plan, operations);

    public override void Dispose()
    {
        foreach (var cache in _caches)
            _library.CloseCache((void*)cache);
        _library.Close(_heap);
    }
}

/// <summary>A peer, the whole loop in C too: its calls are C's own, through pointers as behind dlopen.</summary>
internal sealed unsafe class PeerSide : LoopSide
{
    private readonly TwinLibrary _library;
    private readonly nint* _calls = (nint*)NativeMemory.Alloc(2, (nuint)sizeof(nint));

    public PeerSide(string name, TwinLibrary library, nint malloc, nint free)
        : base(name)
    {
        _library = library;
        (_calls[0], _calls[1]) = (malloc, free);
    }

    public override ulong Run(LoopKind kind, int thread, PlanWords* plan, ulong operations, bool checks) => _library.Loop("peer", kind, checks)(_calls, plan, operations);

    public override void Dispose() => NativeMemory.Free(_calls);
}

/// <summary>The product, the whole loop in C#: an explicit cache, sized frees.</summary>
internal sealed unsafe class ManagedSide : LoopSide
{
    private readonly BitTreeAllocator _allocator;
    private readonly ThreadCache[] _caches = new ThreadCache[Threads];

    public ManagedSide(string name, BitTreeAllocatorOptions options)
        : base(name)
    {
        _allocator = new BitTreeAllocator(options);
        for (var thread = 0; thread < Threads; thread++)
            _caches[thread] = _allocator.CreateCache();
    }

    public override ulong Run(LoopKind kind, int thread, PlanWords* plan, ulong operations, bool checks)
    {
        // A local: the array's elements of two threads share a line.
        var here = new Managed { Allocator = _allocator, Cache = _caches[thread] };
        var bad = checks ? ManagedLoops<WholeContents>.Run(kind, ref here, plan, operations) : ManagedLoops<BothEnds>.Run(kind, ref here, plan, operations);
        _caches[thread] = here.Cache;
        return bad;
    }

    public override void Dispose()
    {
        for (var thread = 0; thread < Threads; thread++)
            _caches[thread].Dispose();
        _allocator.Dispose();
    }
}
