using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>What a heap is made of.</summary>
internal struct HeapPlan
{
    public VmTable Os;
    public int MinimumAlignment;
    public bool UseCas16;
    public bool Checked;
    public Policy Policy;
    public ulong StretchBytes;
    public ulong RecyclerBytesPerClass;

    /// <summary>Bytes of slots in one magazine; 0 for <see cref="ClassPlan.MagazineBytes"/>.</summary>
    public int MagazineBytes;
    public ulong CacheBudgetBytes;
    public bool ClaimIdle;
    public bool ExactRegions;

    /// <summary>0: none.</summary>
    public ulong SoftLimitBytes;
    public ulong HardLimitBytes;

    /// <summary>The process's cache records.</summary>
    public unsafe RecordPool* Pool;

    /// <summary>See <see cref="Heap.OnSealBroken"/>.</summary>
    public unsafe delegate*<VmVerb, ulong, void> OnSealBroken;
}
