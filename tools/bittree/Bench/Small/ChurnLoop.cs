using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>Many objects live; an operation frees a random one and allocates another in its place, whose first and last byte are written.</summary>
internal sealed class ChurnLoop(string name, int live, string summary) : SmallLoop(name, summary)
{
    /// <inheritdoc/>
    public override bool? Touched => true;

    /// <inheritdoc/>
    public override int Granule => SizeTable.Length;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new ChurnBody<TAdapter, TBuffer>(adapters[0], live)];
}

/// <summary>The live objects.</summary>
internal sealed class ChurnBody<TAdapter, TBuffer>(TAdapter adapter, int live) : SmallBody<TAdapter, TBuffer>(adapter, new SharedRanges())
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private readonly Held<TBuffer>[] _slots = new Held<TBuffer>[live];
    private uint[] _sizes = AsPrograms.Draw(0);
    private SlotPicker _picker;

    /// <summary>Fills the slots, and replaces as many objects as there are.</summary>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        var seed = Seed(round, 0);
        _sizes = AsPrograms.Draw(seed);
        _picker = new SlotPicker(seed);
        for (var slot = 0; slot < _slots.Length; slot++)
            Fill(slot, AsPrograms.At(ref At(_sizes, 0), slot));
        Run(_slots.Length);
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (Verifying)
            Verify(operations);
        else
            Replace(operations);
    }

    /// <inheritdoc/>
    public override void End()
    {
        for (var slot = 0; slot < _slots.Length; slot++)
            Empty(slot);
    }

    private void Replace(long operations)
    {
        ref var adapter = ref Adapter;
        ref var slots = ref At(_slots, 0);
        ref var sizes = ref At(_sizes, 0);
        var count = (uint)_slots.Length;
        var picker = _picker;
        for (; operations > 0; operations--)
        {
            ref var slot = ref Unsafe.Add(ref slots, picker.Next(count));
            adapter.Free(slot.Buffer, slot.Size);
            Drop(ref slot.Buffer);
            var size = AsPrograms.At(ref sizes, operations);
            var buffer = adapter.Alloc(size);
            Touch(buffer, size);
            slot.Buffer = buffer;
            slot.Size = size;
        }

        _picker = picker;
    }

    private void Verify(long operations)
    {
        for (; operations > 0; operations--)
        {
            var slot = (int)_picker.Next((uint)_slots.Length);
            Empty(slot);
            Fill(slot, AsPrograms.At(ref At(_sizes, 0), operations));
        }
    }

    private void Fill(int slot, nuint size) => _slots[slot] = new Held<TBuffer> { Buffer = Make<Plain>(ref Adapter, size, (ulong)slot), Size = size };

    private void Empty(int slot)
    {
        Release<Plain>(ref Adapter, _slots[slot].Buffer, _slots[slot].Size, (ulong)slot);
        _slots[slot] = default;
    }
}
