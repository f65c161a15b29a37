using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Verify;

/// <summary>A replay that fills every allocation and believes the allocator nothing: content, overlap, alignment, zeros and usable size.</summary>
internal unsafe struct VerifyHandler<TAdapter> : IEventHandler
    where TAdapter : struct, IAllocatorAdapter<TAdapter>
{
    private readonly VerifyState _state;
    private readonly int[]? _numbers;
    private readonly ulong[] _requested;

    /// <summary>This thread's adapter.</summary>
    public TAdapter Adapter;

    /// <summary>Checks <paramref name="adapter"/>.</summary>
    /// <param name="adapter">This thread's adapter.</param>
    /// <param name="state">Shared by the threads.</param>
    /// <param name="requested">Requested size by slot id, shared by the threads.</param>
    /// <param name="numbers">The number in the whole trace of each event of this thread; null where they are the same.</param>
    public VerifyHandler(TAdapter adapter, VerifyState state, ulong[] requested, int[]? numbers)
    {
        Adapter = adapter;
        _state = state;
        _requested = requested;
        _numbers = numbers;
    }

    /// <inheritdoc/>
    public void Handle(in TraceEvent e, int index)
    {
        var number = _numbers is null ? index : _numbers[index];
        try
        {
            switch (e.Op)
            {
                case TraceOp.Free or TraceOp.FreeAligned:
                    Free(e, number);
                    break;
                case TraceOp.Realloc or TraceOp.ReallocAligned:
                    Resize(e, number);
                    break;
                default:
                    Allocate(e, number);
                    break;
            }
        }
        catch (Exception x) when (x is OutOfMemoryException or ArgumentException or InvalidOperationException)
        {
            // ObjectDisposedException included: whatever an allocator throws at a valid event is a violation, and the next event is tried.
            var (op, id, size) = (e.Op, e.Id, e.Size);
            _state.Log.Add(() => $"event {number}: {op} of slot {id} ({size} bytes) failed: {x.Message}");
        }
    }

    private void Allocate(in TraceEvent e, int number)
    {
        var size = (nuint)e.Size;
        var alignment = e.Op == TraceOp.Memalign ? (nuint)1 << e.AlignLog2 : TAdapter.PromisedAlignment(size);
        var pointer = e.Op switch
        {
            TraceOp.Calloc => Adapter.AllocZeroed(size),
            TraceOp.Memalign => Adapter.AllocAligned(size, alignment),
            _ => Adapter.Alloc(size),
        };
        if (!Enter(e, pointer, alignment, number))
            return;
        if (e.Op == TraceOp.Calloc)
            CheckZero(e, (byte*)pointer, number);
        _state.Seeds[e.Id] = PatternFill.Seed(e.Id, number);
        PatternFill.Write((byte*)pointer, 0, size, _state.Seeds[e.Id]);
    }

    private void Resize(in TraceEvent e, int number)
    {
        var old = _state.Slots[e.Id];
        if (old == null)
            return;
        var size = (nuint)e.Size;
        var alignment = (nuint)1 << e.AlignLog2;
        var oldSize = (nuint)_requested[e.Id];
        CheckPattern(e, (byte*)old, oldSize, number, "before realloc");
        _state.Leave(e.Id);
        var pointer = e.Op == TraceOp.Realloc ? Adapter.Realloc(old, size) : Adapter.ReallocAligned(old, size, alignment);
        var promised = e.Op == TraceOp.ReallocAligned && TAdapter.ReallocKeepsAlignment ? alignment : TAdapter.PromisedAlignment(size);
        if (!Enter(e, pointer, promised, number))
            return;
        var kept = Math.Min(oldSize, size);
        CheckPattern(e, (byte*)pointer, kept, number, "after realloc");
        PatternFill.Write((byte*)pointer, kept, size, _state.Seeds[e.Id]);
    }

    private void Free(in TraceEvent e, int number)
    {
        var pointer = _state.Slots[e.Id];
        if (pointer == null)
            return;
        CheckPattern(e, (byte*)pointer, (nuint)e.Size, number, "at free");
        _state.Leave(e.Id);
        if (e.Op == TraceOp.Free)
            Adapter.Free(pointer, (nuint)e.Size);
        else
            Adapter.FreeAligned(pointer, (nuint)e.Size, (nuint)1 << e.AlignLog2);
    }

    private bool Enter(in TraceEvent e, void* pointer, nuint alignment, int number)
    {
        var (id, size) = (e.Id, e.Size);
        if (pointer == null)
        {
            _state.Log.Add(() => $"event {number}: slot {id} ({size} bytes) was answered with null");
            return false;
        }

        if ((nuint)pointer % alignment != 0)
            _state.Log.Add(() => $"event {number}: slot {id} ({size} bytes) at 0x{(nuint)pointer:x} is not aligned to {alignment}");
        var usable = Adapter.UsableSize(pointer);
        if (usable < size)
            _state.Log.Add(() => $"event {number}: slot {id} at 0x{(nuint)pointer:x} has {usable} usable bytes, {size} were requested");
        _requested[id] = size;
        _state.Enter(id, pointer, Math.Max(size, usable ?? 0), number);
        return true;
    }

    private readonly void CheckZero(in TraceEvent e, byte* pointer, int number)
    {
        var (id, size) = (e.Id, (nuint)e.Size);
        var at = PatternFill.FirstNonZero(pointer, size);
        if (at != size)
            _state.Log.Add(() => $"event {number}: calloc for slot {id} at 0x{(nuint)pointer:x}: byte {at} of {size} is not zero");
    }

    private readonly void CheckPattern(in TraceEvent e, byte* pointer, nuint size, int number, string when)
    {
        var id = e.Id;
        var at = PatternFill.FirstDifference(pointer, size, _state.Seeds[id]);
        if (at != size)
            _state.Log.Add(() => $"event {number}: slot {id} at 0x{(nuint)pointer:x}: byte {at} of {size} has changed ({when})");
    }
}
