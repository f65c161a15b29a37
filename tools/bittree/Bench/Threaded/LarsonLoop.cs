using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Small;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Threaded;

/// <summary>
/// After Larson and Krishnan: threads free a random object of those they own and allocate another in its place, and after each epoch the objects change owner, so that many are freed by a thread that
/// did not allocate them. Each thread owns two bunches of 512 and works on one; after 2 048 replacements it hands that one to the next thread. The second bunch is slack: threads of uneven speed wait
/// only when they are more than an epoch apart.
/// </summary>
internal sealed class LarsonLoop() : ThreadedLoop("larson-2t", "Two threads, 1 024 objects of 16 to 512 bytes each: free a random one, allocate another; every 2 048 times the objects change owner.")
{
    /// <inheritdoc/>
    public override int Granule => Larson.Epoch;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
    {
        var ranges = new SharedRanges();
        var bunches = new Held<TBuffer>[adapters.Length * Larson.BunchesOfThread][];
        for (var bunch = 0; bunch < bunches.Length; bunch++)
            bunches[bunch] = new Held<TBuffer>[Larson.Bunch];
        SpscRing<int>[] inboxes = [.. adapters.Select(_ => new SpscRing<int>())];
        return [.. adapters.Select((adapter, t) => new LarsonBody<TAdapter, TBuffer>(adapter, t, bunches, inboxes, ranges))];
    }
}

/// <summary>The loop's numbers.</summary>
internal static class Larson
{
    /// <summary>Replacements between two changes of owner.</summary>
    public const int Epoch = 2048;

    /// <summary>Objects that change owner together.</summary>
    public const int Bunch = 512;

    /// <summary>Bunches per thread.</summary>
    public const int BunchesOfThread = 2;

    /// <summary>Least size in bytes.</summary>
    public const int Least = 16;

    /// <summary>Largest size in bytes.</summary>
    public const int Most = 512;
}

/// <summary>One thread.</summary>
internal sealed class LarsonBody<TAdapter, TBuffer>(TAdapter adapter, int thread, Held<TBuffer>[][] bunches, SpscRing<int>[] inboxes, SharedRanges ranges) : SmallBody<TAdapter, TBuffer>(adapter, ranges)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private readonly SpscRing<int> _inbox = inboxes[thread];
    private readonly SpscRing<int> _next = inboxes[(thread + 1) % inboxes.Length];
    private uint[] _sizes = new uint[SizeTable.Length];
    private SlotPicker _picker;

    /// <summary>Fills this thread's bunches. As many epochs as another thread does are needed until they are back, so nothing runs here.</summary>
    public override void Begin(int round, bool verify)
    {
        base.Begin(round, verify);
        var seed = Seed(round, thread);
        _sizes = SizeTable.Uniform(Larson.Least, Larson.Most, seed);
        _picker = new SlotPicker(seed);
        for (var own = 0; own < Larson.BunchesOfThread; own++)
        {
            var number = (thread * Larson.BunchesOfThread) + own;
            for (var slot = 0; slot < Larson.Bunch; slot++)
                Fill(number, slot, SizeTable.At(ref At(_sizes, 0), slot));
            inboxes[thread].Add(number);
        }
    }

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        for (; operations > 0; operations -= Larson.Epoch)
        {
            var bunch = _inbox.Take();
            if (Verifying)
                Verify(bunch);
            else
                Replace(bunches[bunch]);
            _next.Add(bunch);
        }
    }

    /// <summary>Frees the bunches that are this thread's now, when they have come.</summary>
    public override void End()
    {
        for (var own = 0; own < Larson.BunchesOfThread; own++)
        {
            var bunch = _inbox.Take();
            for (var slot = 0; slot < Larson.Bunch; slot++)
                Empty(bunch, slot);
        }
    }

    /// <inheritdoc/>
    public override void Stop(string why)
    {
        foreach (var inbox in inboxes)
            inbox.Stop(why);
    }

    private void Replace(Held<TBuffer>[] bunch)
    {
        ref var adapter = ref Adapter;
        ref var slots = ref At(bunch, 0);
        ref var sizes = ref At(_sizes, 0);
        var picker = _picker;
        for (long left = Larson.Epoch; left > 0; left--)
        {
            ref var slot = ref Unsafe.Add(ref slots, picker.Next(Larson.Bunch));
            adapter.Free(slot.Buffer, slot.Size);
            Drop(ref slot.Buffer);
            var size = SizeTable.At(ref sizes, left);
            var buffer = adapter.Alloc(size);
            Touch(buffer, size);
            slot.Buffer = buffer;
            slot.Size = size;
        }

        _picker = picker;
    }

    private void Verify(int bunch)
    {
        for (long left = Larson.Epoch; left > 0; left--)
        {
            var slot = (int)_picker.Next(Larson.Bunch);
            Empty(bunch, slot);
            Fill(bunch, slot, SizeTable.At(ref At(_sizes, 0), left));
        }
    }

    private void Fill(int bunch, int slot, nuint size) => bunches[bunch][slot] = new Held<TBuffer> { Buffer = Make<Plain>(ref Adapter, size, Stamp(bunch, slot)), Size = size };

    private void Empty(int bunch, int slot)
    {
        ref var held = ref bunches[bunch][slot];
        Release<Plain>(ref Adapter, held.Buffer, held.Size, Stamp(bunch, slot));
        held = default;
    }

    private static ulong Stamp(int bunch, int slot) => ((ulong)bunch * Larson.Bunch) + (ulong)slot;
}
