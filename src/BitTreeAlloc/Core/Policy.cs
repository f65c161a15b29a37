using System.Runtime.InteropServices;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what a memory policy decides, as data over one life cycle of blocks and regions. Words of the heap that may change at any time: whoever works goes on by the old value or the new one,
/// and a tick later everybody goes by the new one.
/// Callers: PurgePolicy, Regions, RegionPurge, RegionAreas read; the Api writes. Checked by: tests of each profile and of changes under load.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct Policy
{
    /// <summary>x of the purge rule, in 1/1024 (DESIGN section 8), or <see cref="Never"/>.</summary>
    public ulong PurgeSlack;

    /// <summary>Bytes of free regions that one tick gives back of each region class, and of empty blocks; 0: none.</summary>
    public ulong TickPurgeBytes;

    /// <summary>1: a region that finds its cache's slot taken goes back to the system at once.</summary>
    public ulong EagerReturn;

    /// <summary>The next area of a class is larger than the last by 1 / (1 + this) of it.</summary>
    public ulong GrowthDampener;

    /// <summary>1: pages are freed lazily, to be taken by the system when it is short.</summary>
    public ulong LazyPurge;

    /// <summary>Huge pages are advised for regions of this class and larger ones; <see cref="Never"/> for none.</summary>
    public ulong HugeRegionClass;

    /// <summary>Huge pages are advised for blocks above so many live bytes; <see cref="Never"/> for none.</summary>
    public ulong HugeBlockBytes;

    /// <summary>1: regions are committed from the system's pool of huge pages where it has any.</summary>
    public ulong HugePool;

    /// <summary>Bytes by which touched memory grows between two purges on demand at least.</summary>
    public ulong PurgeStep;

    /// <summary>The most that steady use of small sizes may widen <see cref="PurgeSlack"/> by, in 1/1024 of the recent peak; fits into the low bits of the figure that counts it.</summary>
    public ulong SteadySlack;

    /// <summary>Stands for a setting that is off.</summary>
    public const ulong Never = ulong.MaxValue;
}
