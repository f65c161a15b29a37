using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Large;

/// <summary>One thread's four buffers.</summary>
internal sealed class RecycleBody<TAdapter, TBuffer, TPages> : LoopBody<TAdapter, TBuffer>
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
    where TPages : struct, IPages
{
    // Free places around the slots, so that those of two threads share no cache line.
    private const int Margin = 8;
    private const int StampOfThread = 60;
    private const int StampOfBuffer = 36;

    private readonly Held[] _held = new Held[RecyclePlan.Slots + (2 * Margin)];
    private readonly RecyclePlan _plan;
    private readonly SharedRanges _ranges;
    private readonly ulong _thread;
    private ulong _buffers;
    private int _at;
    private bool _verify;

    public RecycleBody(TAdapter adapter, int thread, bool random, SharedRanges ranges)
        : base(adapter)
    {
        _plan = new RecyclePlan(thread, random);
        _ranges = ranges;
        _thread = (ulong)(thread + 1) << StampOfThread;
    }

    /// <summary>Fills the slots, and goes once through the mix.</summary>
    public override void Begin(int round, bool verify)
    {
        _verify = verify;
        _plan.Draw(round);
        for (_at = 0; _at < RecyclePlan.Slots; _at++)
            Allocate(ref _held[Margin + _at], RecyclePlan.SizeOf(_plan.Steps[_at]));
        Run(RecyclePlan.Block);
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (_verify)
        {
            Verify(operations);
            return;
        }

        var steps = _plan.Steps;
        var held = _held.AsSpan(Margin, RecyclePlan.Slots);
        var at = _at;
        var stamp = Stamp(_buffers);
        for (var left = operations; left > 0; left--)
        {
            var step = steps[at & (steps.Length - 1)];
            at++;
            ref var slot = ref held[RecyclePlan.SlotOf(step)];
            if (TAdapter.Allocates)
                TPages.Glance(ref TAdapter.Start(slot.Buffer), slot.Size, slot.Stamp);
            Adapter.Free(slot.Buffer, slot.Size);
            stamp += 1UL << StampOfBuffer;
            slot.Size = RecyclePlan.SizeOf(step);
            slot.Stamp = stamp;
            slot.Buffer = Adapter.Alloc(slot.Size);
            if (TAdapter.Allocates)
                TPages.Write(ref TAdapter.Start(slot.Buffer), slot.Size, stamp);
        }

        _at = at & (RecyclePlan.Length - 1);
        _buffers += (ulong)operations;
    }

    /// <inheritdoc/>
    public override void End()
    {
        for (var slot = 0; slot < RecyclePlan.Slots; slot++)
            Free(ref _held[Margin + slot]);
    }

    private void Verify(long operations)
    {
        for (; operations > 0; operations--)
        {
            var step = _plan.Steps[_at++ & (RecyclePlan.Length - 1)];
            ref var slot = ref _held[Margin + RecyclePlan.SlotOf(step)];
            Free(ref slot);
            Allocate(ref slot, RecyclePlan.SizeOf(step));
        }
    }

    private ulong Stamp(ulong buffer) => _thread + (buffer << StampOfBuffer);

    private void Allocate(ref Held slot, nuint size)
    {
        slot.Size = size;
        slot.Stamp = Stamp(++_buffers);
        slot.Buffer = Adapter.Alloc(size);
        if (!TAdapter.Allocates)
            return;
        ref var start = ref TAdapter.Start(slot.Buffer);
        if (_verify && !TAdapter.Moves)
            _ranges.Add(ref start, size);
        TPages.Write(ref start, size, slot.Stamp);
    }

    private void Free(ref Held slot)
    {
        if (TAdapter.Allocates)
        {
            ref var start = ref TAdapter.Start(slot.Buffer);
            TPages.Check(ref start, slot.Size, slot.Stamp);
            if (_verify && !TAdapter.Moves)
                _ranges.Remove(ref start, slot.Size);
        }

        Adapter.Free(slot.Buffer, slot.Size);
        slot.Buffer = default;
    }

    private struct Held
    {
        public TBuffer Buffer;
        public nuint Size;
        public ulong Stamp;
    }
}
