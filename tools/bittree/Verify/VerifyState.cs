using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Verify;

/// <summary>What the threads of a verifying replay share. Per-slot entries are ordered by the replay's own dependencies; the ranges by a lock.</summary>
internal sealed unsafe class VerifyState
{
    private readonly LiveRanges _ranges = new();
    private readonly Workload _workload;

    /// <summary>Starts with nothing live.</summary>
    public VerifyState(Workload workload)
    {
        _workload = workload;
        Seeds = new ulong[Math.Max(1, workload.Trace.Slots)];
        Extents = new ulong[Seeds.Length];
        for (var i = 0; i < Seeds.Length; i++)
            Slots[i] = null;
    }

    /// <summary>The violations.</summary>
    public VerifyLog Log { get; } = new();

    /// <summary>The pattern of each slot's object.</summary>
    public ulong[] Seeds { get; }

    /// <summary>Bytes that each slot's object occupies: the usable size where known.</summary>
    public ulong[] Extents { get; }

    /// <summary>Live pointers by slot id; null where the allocator refused.</summary>
    public void** Slots => _workload.Slots;

    /// <summary>Bytes / 8 in users' hands by this checker's own count.</summary>
    public long LiveGranules => _ranges.Granules;

    /// <summary>Notes that slot <paramref name="id"/> now holds <paramref name="extent"/> bytes at <paramref name="pointer"/>.</summary>
    public void Enter(uint id, void* pointer, ulong extent, int number)
    {
        lock (_ranges)
        {
            if (!_ranges.Add((ulong)pointer, extent))
                Log.Add(() => $"event {number}: slot {id} at 0x{(nuint)pointer:x} ({extent} bytes) overlaps {Owner((ulong)pointer, extent, id)}");
            Slots[id] = pointer;
            Extents[id] = extent;
        }
    }

    /// <summary>Notes that slot <paramref name="id"/> holds nothing any more; called before the allocator may hand it out again.</summary>
    public void Leave(uint id)
    {
        lock (_ranges)
        {
            _ = _ranges.Remove((ulong)Slots[id], Extents[id]);
            Slots[id] = null;
        }
    }

    private string Owner(ulong start, ulong length, uint except)
    {
        for (var i = 0; i < Seeds.Length; i++)
        {
            var other = (ulong)Slots[i];
            if (i != except && other != 0 && other < start + length && start < other + Math.Max(1, Extents[i]))
                return $"slot {i} at 0x{other:x} ({Extents[i]} bytes)";
        }

        return "memory that is in use";
    }
}
