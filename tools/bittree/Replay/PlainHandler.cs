using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>The replay proper: one allocator call per event and nothing else but what <typeparamref name="TTouch"/> writes.</summary>
internal unsafe struct PlainHandler<TAdapter, TTouch> : IEventHandler
    where TAdapter : struct, IAllocatorAdapter<TAdapter>
    where TTouch : struct, ITouch
{
    private readonly void** _slots;
    private TTouch _touch;

    /// <summary>This thread's adapter.</summary>
    public TAdapter Adapter;

    /// <summary>Replays through <paramref name="adapter"/> into the table <paramref name="slots"/>.</summary>
    public PlainHandler(TAdapter adapter, TTouch touch, void** slots)
    {
        Adapter = adapter;
        _touch = touch;
        _slots = slots;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Handle(in TraceEvent e, int index)
    {
        // What is asked of the event is read where it is used, and the two common kinds are told apart by one test: the fewer instructions stand around the calls, the more of the time is theirs.
        var slot = _slots + e.Id;
        void* pointer;
        if (e.Op == TraceOp.Free)
        {
            Adapter.Free(*slot, (nuint)e.Size);
            _touch.AfterEvent((nuint)e.Size);
            return;
        }

        if (e.Op == TraceOp.Malloc)
        {
            pointer = Adapter.Alloc((nuint)e.Size);
        }
        else if (e.Op == TraceOp.Calloc)
        {
            pointer = Adapter.AllocZeroed((nuint)e.Size);
        }
        else if (e.Op == TraceOp.Realloc)
        {
            pointer = Adapter.Realloc(*slot, (nuint)e.Size);
        }
        else
        {
            HandleAligned(e, slot);
            return;
        }

        *slot = pointer;
        if (TAdapter.Allocates)
            _touch.Write(pointer, (nuint)e.Size);
        _touch.AfterEvent((nuint)e.Size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void HandleAligned(in TraceEvent e, void** slot)
    {
        var size = (nuint)e.Size;
        var alignment = (nuint)1 << e.AlignLog2;
        if (e.Op == TraceOp.FreeAligned)
        {
            Adapter.FreeAligned(*slot, size, alignment);
        }
        else
        {
            *slot = e.Op == TraceOp.Memalign ? Adapter.AllocAligned(size, alignment) : Adapter.ReallocAligned(*slot, size, alignment);
            if (TAdapter.Allocates)
                _touch.Write(*slot, size);
        }

        _touch.AfterEvent(size);
    }
}
