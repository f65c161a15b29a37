using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>How a block of a <see cref="BlockWorld"/> is at first.</summary>
/// <param name="Phase">Its phase.</param>
/// <param name="Cursor">Slots below its cursor.</param>
/// <param name="Owners">Per slot below the cursor 0 (home), 1 + the thread that owns it, or <see cref="Cached"/>.</param>
internal readonly record struct BlockStart(BlockPhase Phase, int Cursor, params int[] Owners)
{
    /// <summary>An owner: a cache has the slot.</summary>
    public const int Cached = 99;

    /// <summary>Not born yet.</summary>
    public static BlockStart Unborn => new(BlockPhase.Clean, -1);

    /// <summary>A clean block below the frontier.</summary>
    public static BlockStart Clean => new(BlockPhase.Clean, 0);

    /// <summary>A resident block of no class.</summary>
    public static BlockStart Empty => new(BlockPhase.Empty, 0);

    /// <summary>In use, with one owner per slot.</summary>
    public static BlockStart Used(params int[] owners) => new(BlockPhase.InUse, owners.Length, owners);
}

/// <summary>
/// A heap of one stretch and a few blocks of a class with a few slots: the shipped structs in native memory, their shared words as model memory or registered, slots, pages and owners in a <see cref="ModelHeap"/>.
/// Addresses of slots are what the shipped code computes; nothing lies behind them.
/// </summary>
internal sealed unsafe class BlockWorld
{
    /// <summary>The class under test: large kind, 64 KiB blocks.</summary>
    public const int SizeClass = 75;

    /// <summary>Another class in the same space.</summary>
    public const int OtherClass = 74;

    /// <summary>Slots of one block.</summary>
    public const int Capacity = 2;
    public const int BlockShift = 16;
    public const ulong DataBase = 1ul << 40;
    private const int Columns = 4;
    private const int SlotShift = 14;
    private readonly ModelMemory _memory;

    public BlockWorld(ModelMemory memory, params BlockStart[] blocks)
        : this(memory, hardLimit: 0, softLimit: 0, blocks)
    {
    }

    /// <summary>A world under limits, in bytes; with none the charge is no event.</summary>
    public BlockWorld(ModelMemory memory, ulong hardLimit, ulong softLimit, params BlockStart[] blocks)
    {
        _memory = memory;
        BlockCount = blocks.Length;
        Users = new ModelHeap(memory);
        memory.Heap = Users;
        Heap = (Heap*)memory.Native(sizeof(Heap), 128);
        HeapWords.IgnoreSettings(memory, Heap);
        Stretch = (Stretch*)memory.Native(sizeof(Stretch));
        Space = &Stretch->Large;
        MakeHeap();
        MakeCharge(hardLimit, softLimit, blocks);
        MakeSpace();
        for (var block = 0; block < blocks.Length; block++)
            MakeBlock(block, blocks[block]);
        var frontier = blocks.Count(start => start.Cursor >= 0);
        Space->Frontier = (ulong)frontier;
        Space->Data.Committed = (ulong)frontier << BlockShift;
        RegisterSpace();
    }

    public Heap* Heap { get; }

    public Stretch* Stretch { get; }

    public Space* Space { get; }

    public ModelHeap Users { get; }

    public int BlockCount { get; }

    public ClassInfo* Info => Heap->Classes + SizeClass;

    /// <summary>Address of a slot.</summary>
    public static ulong SlotAt(int block, int slot) => DataBase + ((ulong)block << BlockShift) + ((ulong)slot << SlotShift);

    /// <summary>Number of a slot over all blocks.</summary>
    public static int NumberOf(ulong slot) => (int)((((slot - DataBase) >> BlockShift) * Capacity) + ((slot & 0xFFFF) >> SlotShift));

    public static string PageName(int block) => $"page{block}";

    /// <summary>A cache record of the heap for one thread: private but for its shared words.</summary>
    public CacheRecord* Record(int thread, bool withLimits = false)
    {
        var record = (CacheRecord*)_memory.Native(CacheRecord.Stride, CacheRecord.Stride);
        InitRecord(record, Heap);
        RegisterRecord(_memory, record, $"record{thread}", withLimits);
        _memory.Private(thread, record, sizeof(CacheRecord));
        return record;
    }

    public static void InitRecord(CacheRecord* record, Heap* heap)
    {
        record->Heap = heap;
        record->State = (ulong)heap;
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
            *CacheRecord.Top(record, sizeClass) = CacheRecord.EmptyTop(record);
    }

    public static void RegisterRecord(ModelMemory memory, CacheRecord* record, string name, bool withLimits, bool withTops = false)
    {
        if (withTops)
        {
            memory.Register((ulong*)CacheRecord.Top(record, SizeClass), $"{name}.top");
            memory.Register(&record->Grant, $"{name}.grant");
        }

        memory.Ignore(&record->TickMark);
        memory.Register(&record->Busy, $"{name}.busy");
        memory.Register(&record->State, $"{name}.state");
        memory.Register(&record->Claim, $"{name}.claim");
        memory.Register(&record->Active, $"{name}.active");
        memory.Register(&record->IsAmbient, $"{name}.ambient");
        memory.Ignore(&record->IdleTicks);
        memory.Register(CacheRecord.Spare(record, SizeClass), $"{name}.spare");
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
        {
            if (sizeClass != SizeClass)
                memory.Ignore(CacheRecord.Spare(record, sizeClass));
        }

        if (!withLimits)
            return;

        // A trimmer signals every class; no scenario caches anything of the others.
        memory.Register(CacheRecord.Limit(record, SizeClass), $"{name}.limit");
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
        {
            if (sizeClass != SizeClass)
                memory.Ignore(CacheRecord.Limit(record, sizeClass));
        }
    }

    /// <summary>Records side by side, as the registry walks them; the first <paramref name="owned"/> are owned, the others on the free stack or unborn.</summary>
    public void AddRecords(int count, int owned, int born, bool withLimits, bool withTops = false)
    {
        var records = (byte*)_memory.Native(count * CacheRecord.Stride, CacheRecord.Stride);
        var pool = Heap->Pool;
        pool->Arena = new Watermark { Base = records, Reserved = (ulong)count * CacheRecord.Stride, Step = CacheRecord.Stride, Committed = (ulong)born * CacheRecord.Stride };
        ModelAtomics.Write(&pool->Arena.Committed, pool->Arena.Committed, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(&pool->NextLine.Value, (ulong)born * CacheRecord.Stride, MemoryOrder.Relaxed, Site.None);
        for (var number = 0; number < count; number++)
        {
            var record = (CacheRecord*)(records + (number * CacheRecord.Stride));
            InitRecord(record, Heap);
            Users.AddPage(RecordPage(number), (ulong)record, CacheRecord.Stride, committed: number < born);
            record->Pool = pool;
            record->State = number < owned ? (ulong)Heap : CacheRecord.Unowned;
            record->HeapNext = number == 0 || number >= born ? 0 : (ulong)(records + ((number - 1) * CacheRecord.Stride));
            RegisterRecord(_memory, record, $"record{number}", withLimits, withTops);
            _memory.Register(&record->Link, $"record{number}.link");
            _memory.Register(&record->Depth, $"record{number}.depth");
            _memory.Register(&record->HeapNext, $"record{number}.next");
            if (number < owned)
                _memory.Private(number, record, sizeof(CacheRecord));
        }

        if (born > 0)
            ModelAtomics.Write(&Heap->RecordListLine.Value, (ulong)(records + ((born - 1) * CacheRecord.Stride)), MemoryOrder.Relaxed, Site.None);
    }

    /// <summary>The page that record number i lies in.</summary>
    public static string RecordPage(int number) => $"record{number}.page";

    /// <summary>Record number i.</summary>
    public CacheRecord* RecordAt(int number) => (CacheRecord*)(Heap->Pool->Arena.Base + (number * CacheRecord.Stride));

    /// <summary>Magazines for the caches: links and depths are shared words, slots belong to whoever has the magazine.</summary>
    public ulong* AddMagazines(int count, bool withSlots = false)
    {
        const int Words = 8;
        var magazines = (ulong*)_memory.Native(count * Words * sizeof(ulong), Words * sizeof(ulong));
        Heap->Magazines = new Watermark { Base = (byte*)magazines };
        for (var number = 0; number < count; number++)
        {
            _memory.Register(magazines + (number * Words), $"magazine{number}.link");
            _memory.Register(magazines + (number * Words) + 1, $"magazine{number}.depth");
            for (var slot = 0; withSlots && slot < Capacity; slot++)
                _memory.Register(magazines + (number * Words) + Magazine.HeaderWords + slot, $"magazine{number}.slot{slot}");
        }

        return magazines;
    }

    private void MakeHeap()
    {
        Heap->Os = VmTable.Of<ModelSystem>(null);
        Heap->PageSize = ModelSystem.Page;
        Heap->Pool = (RecordPool*)_memory.Native(sizeof(RecordPool), 128);
        Heap->Pool->Os = Heap->Os;
        Heap->Pool->PageSize = Heap->PageSize;
        Heap->Classes = (ClassInfo*)_memory.Native(sizeof(ClassInfo) * SizeClasses.Count);
        Heap->States = (ClassState*)_memory.Native(sizeof(ClassState) * SizeClasses.Count);
        Heap->Stretches = _memory.Words("stretch", 2);
        ModelAtomics.Write(Heap->Stretches, (ulong)Stretch, MemoryOrder.Relaxed, Site.None);
        Heap->RegionSpaces = _memory.Words("region space", 1);
        Heap->RegionClasses = (ulong*)_memory.Native(sizeof(ulong) * RegionClasses.Count);
        Heap->Policy.PurgeSlack = Policy.Never;
        for (var word = (ulong*)&Heap->Policy; word < (ulong*)(&Heap->Policy + 1); word++)
            _memory.Ignore(word);
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            Heap->Classes[sizeClass] = new ClassInfo
            {
                SlotSize = 1 << SlotShift,
                Capacity = Capacity,
                MagazineSlots = 2,
                Kind = 1,
                BlockShift = BlockShift,
                Column = sizeClass == OtherClass ? 1 : 0,
                Reciprocal = (uint)(((1ul << 32) + (1ul << SlotShift) - 1) >> SlotShift),
                RecyclerDepth = 1,
            };
        }

        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var isUsed = sizeClass is SizeClass or OtherClass;
            if (isUsed)
                _memory.Register(&Heap->States[sizeClass].Kept, $"kept[{sizeClass}]");
            if (isUsed)
                _memory.Register((ulong*)&Heap->States[sizeClass].Recycler, $"recycler[{sizeClass}]");
            else
                _memory.Ignore((ulong*)&Heap->States[sizeClass].Recycler);
        }

        // The budget is no matter of these scenarios: it is never used up.
        Heap->CacheBudgetBytes = 1ul << 40;
        _memory.Ignore(&Heap->CacheGrantedLine.Value);
        _memory.Ignore(&Heap->CacheRefusalsLine.Value);
        _memory.Ignore(&Heap->CacheClassBytesLine.Value);
        _memory.Ignore(&Heap->RecordCountLine.Value);
        _memory.Ignore(&Heap->DirectBytesLine.Value);
        _memory.Ignore(&Heap->DirectCountLine.Value);
        _memory.Ignore(&Heap->DirectLeavesLine.Value);
        _memory.Ignore(&Heap->Magazines.Committed);
        _memory.Register(&Heap->GenerationLine.Value, "generation");
        _memory.Register(&Heap->InUseLine.Value, "in use");
        _memory.Register(&Heap->PeakLine.Value, "peak");
        _memory.Register(&Heap->NextSweepLine.Value, "next sweep");
        _memory.Register(&Heap->Pool->NextLine.Value, "records next");
        _memory.Register(&Heap->Pool->Arena.Committed, "records mark");
        _memory.Register(&Heap->Pool->OsCallsLine.Value, "pool calls");
        _memory.Register((ulong*)&Heap->Pool->Free.Head, "pool");
        _memory.Register(&Heap->RecordListLine.Value, "records");
        _memory.Ignore(&Heap->SharedOperationsLine.Value);
        _memory.Ignore(&Heap->RefillsLine.Value);
        _memory.Ignore(&Heap->FlushesLine.Value);
        _memory.Register(&Heap->MagazinesNextLine.Value, "magazines next");
        _memory.Register((ulong*)&Heap->FreeRecords.Head, "free records");
        _memory.Register(&Heap->TouchedLine.Value, "touched");
        _memory.Register(&Heap->OsCallsLine.Value, "calls");
        _memory.Register(&Heap->PurgedBytesLine.Value, "purged");
        _memory.Register(&Heap->PurgeLostCommitLine.Value, "lost commit");
        _memory.Register((ulong*)&Heap->EmptyMagazines.Head, "empty magazines");
    }

    private void MakeCharge(ulong hardLimit, ulong softLimit, BlockStart[] blocks)
    {
        var lines = new (nint Address, string Name, ulong Value)[]
        {
            ((nint)(&Heap->ChargedLine.Value), "charged", (ulong)blocks.Count(start => start.Phase != BlockPhase.Clean) << BlockShift),
            ((nint)(&Heap->HardLimitLine.Value), "hard limit", hardLimit),
            ((nint)(&Heap->SoftLimitLine.Value), "soft limit", softLimit),
            ((nint)(&Heap->SoftStepLine.Value), "soft step", 0),
            ((nint)(&Heap->LimitNoteLine.Value), "limit note", 0),
            ((nint)(&Heap->LimitChargedLine.Value), "limit charged", 0),
        };
        foreach (var (address, name, value) in lines)
        {
            if (hardLimit == 0 && softLimit == 0)
            {
                _memory.Ignore((ulong*)address);
                continue;
            }

            _memory.Register((ulong*)address, name);
            ModelAtomics.Write((ulong*)address, value, MemoryOrder.Relaxed, Site.None);
        }
    }

    private void MakeSpace()
    {
        Stretch->Base = (byte*)DataBase;
        Stretch->Length = (ulong)BlockCount << BlockShift;
        Stretch->Small.Data.Base = (byte*)(DataBase << 1);
        var leaves = (BlockCount + 1) / 2;
        Space->Trees.Columns = Columns;
        Space->Trees.Leaves = _memory.Words("leaf", leaves * Columns);
        Space->Trees.Middles = _memory.Words("middle", (leaves + 1) / 2 * Columns);
        Space->Trees.Tops = _memory.Words("top", Math.Max(1, BlockCount / 4) * Columns);
        Space->Trees.Summaries = _memory.Words("summary", Columns);
        Space->EmptyColumn = 2;
        Space->CleanColumn = 3;
        Space->FirstClass = OtherClass;
        Space->Owner = Stretch;
        Space->BlockShift = BlockShift;
        Space->BitmapWords = 1;
        Space->ResidentShift = SlotShift;
        Space->BlockCount = (ulong)BlockCount;
        Space->Words = _memory.Words("word", BlockCount);
        Space->Bitmaps = _memory.Words("bits", BlockCount);
        Space->Resident = _memory.Words("resident", BlockCount);
        var bytes = (ulong)BlockCount << BlockShift;
        Space->Data = new Watermark { Base = (byte*)DataBase, Reserved = bytes, Step = 1ul << BlockShift };
        Space->LeafMark = Space->WordMark = Space->ResidentMark = Space->BitmapMark =
            new Watermark { Base = (byte*)(DataBase << 2), Reserved = bytes, Step = bytes, Committed = bytes };
    }

    private void RegisterSpace()
    {
        _memory.Register(&Stretch->Small.Frontier, "small frontier");
        _memory.Ignore(&Stretch->Small.Data.Committed);
        _memory.Ignore(&Stretch->Small.LeafMark.Committed);
        _memory.Ignore(&Stretch->Small.WordMark.Committed);
        _memory.Ignore(&Stretch->Small.ResidentMark.Committed);
        _memory.Ignore(&Stretch->Small.BitmapMark.Committed);
        _memory.Ignore(&Stretch->Small.LiveMark.Committed);
        _memory.Register(&Space->Frontier, "frontier");
        _memory.Register(&Space->SweepCursor, "repair cursor");
        _memory.Register(&Space->Data.Committed, "data mark");
        _memory.Ignore(&Space->Advised);
        _memory.Register(&Space->LeafMark.Committed, "leaf mark");
        _memory.Register(&Space->WordMark.Committed, "word mark");
        _memory.Register(&Space->ResidentMark.Committed, "resident mark");
        _memory.Register(&Space->BitmapMark.Committed, "bitmap mark");
        _memory.Ignore(&Space->LiveMark.Committed);
    }

    private void MakeBlock(int block, in BlockStart start)
    {
        Users.AddPage(PageName(block), SlotAt(block, 0), 1ul << BlockShift, committed: start.Cursor >= 0);
        Users.AddResident(Space->Resident + block, SlotAt(block, 0), SlotShift);
        var home = 0ul;
        for (var slot = 0; slot < Capacity; slot++)
        {
            var owner = slot < start.Cursor ? start.Owners[slot] : 0;
            var isResident = start.Phase != BlockPhase.Clean && slot < start.Cursor;
            Users.AddSlot($"slot{block}.{slot}", SlotAt(block, slot), owner == BlockStart.Cached ? 0 : owner, isResident);
            home |= slot < start.Cursor && owner == 0 ? 1ul << slot : 0;
        }

        if (start.Cursor < 0)
            return;
        var word = start.Phase switch
        {
            BlockPhase.Clean => BlockWord.Cleaned,
            BlockPhase.Empty => BlockWord.Emptied,
            _ => new BlockWord(0).Born(SizeClass).Release(-System.Numerics.BitOperations.PopCount(home), start.Cursor),
        };
        ModelAtomics.Write(Space->Words + block, word.Raw, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(Space->Bitmaps + block, home, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(Space->Resident + block, start.Phase == BlockPhase.Clean ? 0 : (1ul << Math.Max(start.Cursor, 0)) - 1, MemoryOrder.Relaxed, Site.None);
        var column = start.Phase switch { BlockPhase.Clean => Space->CleanColumn, BlockPhase.Empty => Space->EmptyColumn, _ => Info->Column };
        if (start.Phase != BlockPhase.InUse || word.IsAvailable(Capacity))
            BitTree<ModelAtomics, FourBlockTrees>.Set(&Space->Trees, column, (ulong)block);
    }
}
