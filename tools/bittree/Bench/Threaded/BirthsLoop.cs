using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Small;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Threaded;

/// <summary>
/// Threads are born and die, in two lines of which one thread each lives at a time. A thread opens its cache, takes over 1 000 objects of the one before, allocates 1 000 more, replaces random ones
/// 19 000 times, frees half, leaves the other half to the next one, closes its cache and dies. Its 20 000 allocations and frees carry the price of its birth and death, the system's share included.
/// </summary>
internal sealed class BirthsLoop()
    : ThreadedLoop("births-2t", "Two lines of threads that each live for 20 000 operations, take over 1 000 objects and leave 1 000 to the next: birth, cache and death included.")
{
    /// <inheritdoc/>
    public override int Granule => Births.Life;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
    {
        var ranges = new SharedRanges();
        return [.. adapters.Select((adapter, t) => new BirthsBody<TAdapter, TBuffer>(adapter, t, ranges))];
    }
}

/// <summary>The loop's numbers.</summary>
internal static class Births
{
    /// <summary>Allocations of a thread, and frees.</summary>
    public const int Life = 20_000;

    /// <summary>Objects that a thread leaves to the next one.</summary>
    public const int Left = 1000;

    /// <summary>Bytes of a thread's stack.</summary>
    public const int Stack = 256 << 10;
}

/// <summary>One line of threads.</summary>
internal sealed class BirthsBody<TAdapter, TBuffer>(TAdapter adapter, int line, SharedRanges ranges) : SmallBody<TAdapter, TBuffer>(adapter, ranges)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private readonly Held<TBuffer>[] _slots = new Held<TBuffer>[2 * Births.Left];
    private uint[] _sizes = AsPrograms.Draw(0);
    private SlotPicker _picker;
    private long? _faults = 0;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The first legacy.</summary>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        var seed = Seed(round, line);
        _sizes = AsPrograms.Draw(seed);
        _picker = new SlotPicker(seed);
        for (var slot = 0; slot < Births.Left; slot++)
            Fill(ref Adapter, slot, AsPrograms.At(ref At(_sizes, 0), slot));
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        for (; operations > 0; operations -= Births.Life)
        {
            var thread = new Thread(Live, Births.Stack) { IsBackground = true, Name = "bench life" };
            thread.Start();
            thread.Join();
            _failure?.Throw();
        }
    }

    /// <summary>The last legacy.</summary>
    public override void End()
    {
        for (var slot = 0; slot < Births.Left; slot++)
            Empty(ref Adapter, slot);
    }

    /// <summary>Those of the threads that lived, and of the one that waits for them.</summary>
    public override long? Faults() => base.Faults() + _faults;

    private void Live()
    {
        try
        {
            var before = ThreadFaults.Read();
            var own = Adapter.ForThread();
            for (var slot = Births.Left; slot < _slots.Length; slot++)
                Fill(ref own, slot, AsPrograms.At(ref At(_sizes, 0), slot));
            if (Verifying)
                Verify(ref own);
            else
                Replace(ref own);
            for (var slot = Births.Left; slot < _slots.Length; slot++)
                Empty(ref own, slot);
            own.CloseThread();
            _faults += ThreadFaults.Read() - before;
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private void Replace(ref TAdapter own)
    {
        ref var slots = ref At(_slots, 0);
        ref var sizes = ref At(_sizes, 0);
        var count = (uint)_slots.Length;
        var picker = _picker;
        for (long left = Births.Life - Births.Left; left > 0; left--)
        {
            ref var slot = ref Unsafe.Add(ref slots, picker.Next(count));
            own.Free(slot.Buffer, slot.Size);
            Drop(ref slot.Buffer);
            var size = AsPrograms.At(ref sizes, left);
            var buffer = own.Alloc(size);
            Touch(buffer, size);
            slot.Buffer = buffer;
            slot.Size = size;
        }

        _picker = picker;
    }

    private void Verify(ref TAdapter own)
    {
        for (long left = Births.Life - Births.Left; left > 0; left--)
        {
            var slot = (int)_picker.Next((uint)_slots.Length);
            Empty(ref own, slot);
            Fill(ref own, slot, AsPrograms.At(ref At(_sizes, 0), left));
        }
    }

    private void Fill(ref TAdapter own, int slot, nuint size) => _slots[slot] = new Held<TBuffer> { Buffer = Make<Plain>(ref own, size, Stamp(slot)), Size = size };

    private void Empty(ref TAdapter own, int slot)
    {
        Release<Plain>(ref own, _slots[slot].Buffer, _slots[slot].Size, Stamp(slot));
        _slots[slot] = default;
    }

    private ulong Stamp(int slot) => ((ulong)line << 32) + (ulong)slot;
}
