using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: a thread cache: per class a loaded and a spare magazine. Lives in native metadata, so a copy of the struct that points here is an alias and not a fork.
/// Invariants: I-C1 only the owner, or who claimed the record from a quiet owner (CacheClaims), writes tops. I-C2 limits are written by exchange by the owner and set to 0 by anybody who
/// wants the owner's attention. I-C3 a class without a magazine has its top at <see cref="Sentinel"/> and its limit 0, so both hit paths turn off there. I-C7 a spare is put by the owner and
/// taken by one exchange, by anybody: who gets it owns the magazine.
/// Callers: the hit path (Api), CacheSlowPath, Reclaimer, Trimmer. Checked by: layout tests, property tests; the explorer's trim, spare and claim scenarios.
/// </summary>
/// <remarks>The first three words mirror a magazine's header (link, depth, zero sentinel), so that records and magazines share one stack.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CacheRecord
{
    /// <summary>Bytes from one record to the next.</summary>
    public const int Stride = 4096;

    /// <summary>State of a record on the stack. Otherwise the state is the address of the heap that owns it, or <see cref="Leaving"/>.</summary>
    public const ulong Unowned = 0;

    /// <summary>State while its cache is being disposed of.</summary>
    public const ulong Leaving = 1;

    /// <summary>State after its heap is gone, until its cache is disposed of.</summary>
    public const ulong Closed = 2;

    /// <summary>Value of <see cref="Inside"/> during a call; no allocator's identity.</summary>
    public const ulong Occupied = ulong.MaxValue;

    public ulong Link;
    public ulong Depth;

    /// <summary>Always 0: the empty magazine of every class that has none.</summary>
    public ulong Sentinel;

    /// <summary>The heap, or null after it was disposed of while the cache still was out.</summary>
    public Heap* Heap;

    // What an unsized free reads, copied from the first stretch.
    public byte* ClassMap;
    public ulong Base;
    public ulong Granules;

    /// <summary>1 while an owner is inside a slow path: a shared word.</summary>
    public ulong Busy;

    /// <summary>Who owns it: a shared word.</summary>
    public ulong State;

    /// <summary>The heap's generation when this cache was last flushed for it.</summary>
    public ulong SeenGeneration;

    /// <summary>The record that its heap took before it; written before the heap's list shows this one.</summary>
    public ulong HeapNext;

    /// <summary>The pool it goes back to.</summary>
    public RecordPool* Pool;

    /// <summary>What a flush found wrong with earlier frees (an <see cref="Outcome"/>), until a call that frees can say it.</summary>
    public ulong News;

    /// <summary>An empty magazine kept at hand, or 0.</summary>
    public ulong SpareEmpty;

    /// <summary>Bytes taken from blocks (positive) or given back, not yet added to the heap's figure.</summary>
    public long PendingInUse;

    /// <summary>Read-modify-writes on shared words by this cache's slow paths.</summary>
    public ulong SharedOperations;

    public ulong Refills;
    public ulong Flushes;

    /// <summary>Identity of the allocator, to find a cache used with another one.</summary>
    public ulong Serial;

    /// <summary>Where the owner of an ambient cache is: outside, inside a call, or outside and was inside since the last tick (<see cref="CacheClaims{TAtomics}"/>): a shared word.</summary>
    public ulong Active;

    /// <summary>The tenure of the present owner and whether somebody claims the record (<see cref="CacheClaims{TAtomics}"/>): a shared word.</summary>
    public ulong Claim;

    /// <summary>1 for an ambient cache, whose owner says at every call that it is inside; its magazines may be claimed.</summary>
    public ulong IsAmbient;

    /// <summary>What the Api knows of the owner's thread; type-stable, opaque to the core.</summary>
    public ulong OwnerHandle;

    /// <summary>Bytes of the cache budget that this cache has and does not use.</summary>
    public ulong Grant;

    /// <summary>Not 0: the budget was used up so often that idle caches are to be looked at when the slow path ends; the number says at which recycler to begin.</summary>
    public ulong ReliefDue;

    /// <summary>Ticks since the cache was used, or a large number where it is known to hold nothing since: written by who ticks.</summary>
    public ulong IdleTicks;

    /// <summary>What the tops summed up to at the last tick, for a cache that does not say when it is used.</summary>
    public ulong TickMark;

    /// <summary>1 while the owner uses its region slots: a shared word.</summary>
    public ulong RegionsInside;

    /// <summary>1 while somebody else takes regions out of them (<see cref="RegionSlots{TAtomics, TGeometry}"/>): a shared word.</summary>
    public ulong RegionsClaim;

    /// <summary>The area that the owner's last region lay in, or null: the first place to look for the next.</summary>
    public RegionArea* LastArea;

    /// <summary>
    /// At the checked level: <see cref="Occupied"/> while a call is inside, else the identity of the allocator whose call left last. Plain: a torn race of two callers is what it is there to see.
    /// </summary>
    public ulong Inside;

    /// <summary>Words in front of the tops; the limits follow them. Named, so that the hit path adds to the record's address instead of taking that of a field, which the compiler first proves not to be null.</summary>
    private const int WordsBeforeTops = 31;

    private fixed ulong _tops[SizeClasses.Count];
    private fixed ulong _limits[SizeClasses.Count];
    private fixed ulong _spares[SizeClasses.Count];
    private fixed ulong _lastBlocks[SizeClasses.Count];
    private fixed ulong _regions[RegionClasses.Count];
    private fixed uint _idleMarks[SizeClasses.Count];

    /// <summary>Bytes in front of the tops and of the limits, as the compiler lays them out: for the test that compares.</summary>
    internal static (nint Tops, nint Limits) Offsets(CacheRecord* record) => ((nint)((byte*)&record->_tops[0] - (byte*)record), (nint)((byte*)&record->_limits[0] - (byte*)record));

    /// <summary>Address of the newest slot pointer of the loaded magazine; what it points at is 0 when the magazine is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong** Top(CacheRecord* record, nuint sizeClass) => (ulong**)((ulong*)record + WordsBeforeTops + sizeClass);

    /// <inheritdoc cref="Top(CacheRecord*, nuint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong** Top(CacheRecord* record, int sizeClass) => Top(record, (nuint)(uint)sizeClass);

    /// <summary>Address at which the loaded magazine is full; 0 asks the owner to come in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Limit(CacheRecord* record, nuint sizeClass) => (ulong*)record + (WordsBeforeTops + SizeClasses.Count) + sizeClass;

    /// <inheritdoc cref="Limit(CacheRecord*, nuint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Limit(CacheRecord* record, int sizeClass) => Limit(record, (nuint)(uint)sizeClass);

    /// <summary>Top of the spare magazine, or 0: a shared word.</summary>
    public static ulong* Spare(CacheRecord* record, int sizeClass) => &record->_spares[sizeClass];

    /// <summary>First byte of the block that served this class last, or 0.</summary>
    public static ulong* LastBlock(CacheRecord* record, int sizeClass) => &record->_lastBlocks[sizeClass];

    /// <summary>The low half of the top when the class was last looked at for idleness: a class that moved by 4 GiB meanwhile is taken for idle.</summary>
    public static uint* IdleMark(CacheRecord* record, int sizeClass) => &record->_idleMarks[sizeClass];

    /// <summary>First byte of the free region of that class that the cache keeps, or 0: a shared word.</summary>
    public static ulong* Region(CacheRecord* record, int regionClass) => &record->_regions[regionClass];

    /// <summary>Puts a class into the state without a magazine.</summary>
    public static ulong* EmptyTop(CacheRecord* record) => &record->Sentinel;

    /// <summary>
    /// Makes a record that owns nothing and is in no list: the hands of a trimmer, which has figures and an empty magazine like a cache, and no slots of its own.
    /// </summary>
    public static void InitGuest(CacheRecord* guest, Heap* heap)
    {
        guest->Heap = heap;
        guest->News = 0;
        guest->SpareEmpty = 0;
        guest->PendingInUse = 0;
        guest->SharedOperations = 0;
        guest->Refills = 0;
        guest->Flushes = 0;
        guest->Grant = 0;
        guest->ReliefDue = 0;
    }
}
