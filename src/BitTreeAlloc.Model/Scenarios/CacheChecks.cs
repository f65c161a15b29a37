using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What must hold of every cache at rest: INV1 (a slot is in one place), INV11 (a record has one owner or is free, once).</summary>
internal static unsafe class CacheChecks
{
    /// <summary>End check.</summary>
    /// <param name="run">The run.</param>
    /// <param name="world">The heap.</param>
    /// <param name="records">Records born.</param>
    /// <param name="alive">Records that threads still use; one of a dead owner may be, or have been given back.</param>
    /// <param name="inHand">Slots in users' hands.</param>
    public static void AtRest(Run run, BlockWorld world, int records, List<nint> alive, int inHand)
    {
        var free = FreeRecords(run, world, records);
        var cached = new HashSet<ulong>();
        for (var number = 0; number < records; number++)
        {
            var record = world.RecordAt(number);
            run.Assert((Load(&record->Claim) & 3) == 0, $"record {number} is left claimed: {Load(&record->Claim)}");
            run.Assert(Load(&record->Active) != CacheClaims<ModelAtomics>.Inside, $"the owner of record {number} stays inside for ever");
            var isOwned = CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwnedBy(record, world.Heap);
            run.Assert(isOwned != free.Contains((nint)record), $"INV11: record {number} is {(isOwned ? "owned and free" : "neither owned nor free")}");
            run.Assert(isOwned || !alive.Contains((nint)record), $"INV11: record {number} is used and not owned");
            if (isOwned && !alive.Contains((nint)record))
                run.Fail(ModelErrorKind.Leak, $"INV11: record {number} was left and is not given back");
            Collect(run, world, record, cached);
        }

        var users = alive.Where(record => record != 0).ToList();
        run.Assert(users.Count == users.Distinct().Count(), "INV11: two threads have one record");
        CheckSlots(run, world, cached, inHand);
    }

    /// <summary>The cache holds nothing.</summary>
    public static void IsEmpty(Run run, CacheRecord* record) => run.Assert(
        Load((ulong*)CacheRecord.Top(record, BlockWorld.SizeClass)) == (ulong)CacheRecord.EmptyTop(record) && Load(CacheRecord.Spare(record, BlockWorld.SizeClass)) == 0,
        "an idle cache still holds something");

    /// <summary>The cache has a magazine of the class.</summary>
    public static void HasMagazine(Run run, CacheRecord* record) => run.Assert(
        Load((ulong*)CacheRecord.Top(record, BlockWorld.SizeClass)) != (ulong)CacheRecord.EmptyTop(record), "a cache that was refused a magazine has none, though an idle one had");

    /// <summary>I-Y2: what is granted is what records have at hand, and what magazines in caches and recyclers may hold; and is within the budget.</summary>
    public static void Grants(Run run, BlockWorld world, int records)
    {
        var slots = 0ul;
        var sum = 0ul;
        for (var number = 0; number < records; number++)
        {
            var record = world.RecordAt(number);
            sum += Load(&record->Grant);
            var top = (ulong*)Load((ulong*)CacheRecord.Top(record, BlockWorld.SizeClass));
            if (top != CacheRecord.EmptyTop(record))
                slots += Load(Magazine.Of<FourBlockTrees>(top));
            var spare = (ulong*)Load(CacheRecord.Spare(record, BlockWorld.SizeClass));
            if (spare != null)
                slots += Load(Magazine.Of<FourBlockTrees>(spare));
        }

        slots += 2 * Magazines<ModelAtomics, FourBlockTrees>.RecyclerDepth(world.Heap, BlockWorld.SizeClass);
        sum += slots * (ulong)world.Info->SlotSize;
        var granted = Load(&world.Heap->CacheGrantedLine.Value);
        run.Assert(granted <= world.Heap->CacheBudgetBytes, $"I-Y2: {granted} bytes are granted of {world.Heap->CacheBudgetBytes}");
        if (granted != sum)
            run.Fail(ModelErrorKind.Leak, $"I-Y2: {granted} bytes are granted, caches and recyclers have {sum}");
    }

    private static HashSet<nint> FreeRecords(Run run, BlockWorld world, int records)
    {
        var free = new HashSet<nint>();
        var arena = new NodeArena((ulong)world.Heap->Pool->Arena.Base, 12, false);
        for (var node = NodeStack<ModelAtomics>.TakeAll(arena, &world.Heap->FreeRecords.Head); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
            run.Assert(free.Add((nint)node) && free.Count <= records, "INV11: a record is free twice");
        return free;
    }

    /// <summary>What the cache holds: the loaded magazine and the spare.</summary>
    private static void Collect(Run run, BlockWorld world, CacheRecord* record, HashSet<ulong> cached)
    {
        var top = (ulong*)Load((ulong*)CacheRecord.Top(record, BlockWorld.SizeClass));
        if (top != CacheRecord.EmptyTop(record))
            Collect(run, top, cached);
        var spare = (ulong*)Load(CacheRecord.Spare(record, BlockWorld.SizeClass));
        if (spare != null)
            Collect(run, spare, cached);
    }

    private static void Collect(Run run, ulong* top, HashSet<ulong> cached)
    {
        for (var slot = Magazine.EmptyTop(Magazine.Of<FourBlockTrees>(top)) + 1; slot <= top; slot++)
            run.Assert(cached.Add(Load(slot)), $"INV1: slot {Load(slot):x} is cached twice");
    }

    private static void CheckSlots(Run run, BlockWorld world, HashSet<ulong> cached, int inHand)
    {
        var arena = new NodeArena((ulong)world.Heap->Magazines.Base, 6, false);
        for (var node = NodeStack<ModelAtomics>.TakeAll(arena, &world.Heap->States[BlockWorld.SizeClass].Recycler); node != null; node = NodeStack<ModelAtomics>.NextOf(node))
            Collect(run, Magazine.EmptyTop(node) + 2, cached);
        var outside = 0;
        for (var block = 0; block < world.BlockCount; block++)
        {
            var word = new BlockWord(Load(world.Space->Words + block));
            if (word.Phase == BlockPhase.InUse)
                outside += word.Cursor - word.Free;
        }

        foreach (var slot in cached)
        {
            var block = (slot - BlockWorld.DataBase) >> BlockWorld.BlockShift;
            run.Assert(!world.Users.IsOwned(slot), $"INV1: slot {slot:x} is cached and in a user's hand");
            run.Assert((Load(world.Space->Bitmaps + block) & (1ul << (BlockWorld.NumberOf(slot) % BlockWorld.Capacity))) == 0, $"INV1: slot {slot:x} is cached and home");
        }

        if (outside != cached.Count + inHand)
            run.Fail(ModelErrorKind.Leak, $"INV1: {outside} slots are out of their blocks; caches have {cached.Count}, users {inHand}");
    }

    private static ulong Load(ulong* word) => ModelAtomics.LoadAcquire(word, Site.None);
}
