using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>How a region of a <see cref="RegionWorld"/> is at first, in units of 2 MiB.</summary>
/// <param name="Phase">Its phase.</param>
/// <param name="Owner">In use: 1 + the thread that has it, or, where it is idle, 1 + the record that keeps it.</param>
/// <param name="InUse">Units that the user has.</param>
/// <param name="Touched">Units with pages behind them.</param>
/// <param name="Committed">Units that may be touched; −1 for a region above the frontier.</param>
/// <param name="IsIdle">It lies free in a slot, as its user left it.</param>
internal readonly record struct RegionStart(RegionPhase Phase, int Owner, int InUse, int Touched, int Committed, bool IsIdle = false)
{
    /// <summary>Never handed out.</summary>
    public static RegionStart Unborn => new(RegionPhase.Clean, 0, 0, 0, -1);

    /// <summary>Purged, and committed still.</summary>
    public static RegionStart Clean(int committed = 2) => new(RegionPhase.Clean, 0, 0, 0, committed);

    /// <summary>Free with pages, on offer.</summary>
    public static RegionStart Dirty(int touched = 1, int committed = 2) => new(RegionPhase.Dirty, 0, 0, touched, committed);

    /// <summary>Free with pages, in the slot of that record.</summary>
    public static RegionStart Cached(int record, int units = 1, int touched = 1, int committed = 2) => new(RegionPhase.InUse, record + 1, units, Math.Max(units, touched), committed, IsIdle: true);

    /// <summary>That thread's.</summary>
    public static RegionStart Used(int thread, int units = 1, int touched = 1, int committed = 2) => new(RegionPhase.InUse, thread + 1, units, touched, committed);
}

/// <summary>What of a <see cref="RegionWorld"/> is there beside the regions.</summary>
internal readonly record struct RegionSetting()
{
    /// <summary>Cache records; the first ones are the threads' own.</summary>
    public int Records { get; init; } = 2;

    /// <summary>Whether the heap's list has the records, so that others may steal and sweeps offer what they keep.</summary>
    public bool IsListed { get; init; }

    /// <summary>Regions of the first area; the others lie in a second one. 0: one area has all.</summary>
    public int Split { get; init; }

    /// <summary>A setting of the policy.</summary>
    public bool EagerReturn { get; init; }

    /// <summary>The checked level, which tells two frees at the same time apart.</summary>
    public bool IsChecked { get; init; }

    /// <summary>Hard limit in units, which counts touched units; 0 for none.</summary>
    public int Limit { get; init; }

    /// <summary>Whether the charge and the touched bytes are words of the scenario.</summary>
    public bool IsCharged { get; init; } = true;
}

/// <summary>
/// A heap of one region space with a few regions of one class, 8 MiB of four units, in one or two areas: the shipped structs in native memory, their shared words as model memory or registered. Each unit has
/// a plain cell that says who uses it and whether it holds what a user wrote: written at hand-out, at free and by a purge, so a step that is not ordered after the last one is a race (INV8).
/// </summary>
internal sealed unsafe class RegionWorld
{
    /// <summary>The class under test.</summary>
    public const int Class = 2;

    /// <summary>Units of one region.</summary>
    public const int Units = 4;
    public const ulong UnitBytes = 1ul << RegionWord.UnitShift;
    public const ulong RegionBytes = Units * UnitBytes;
    private const ulong DataBase = 1ul << 40;
    private const int CarveShift = 25;

    /// <summary>A free unit's cell: what a user wrote is still there.</summary>
    private const ulong Written = 0x100;
    private readonly ModelMemory _memory;
    private readonly RegionStart[] _starts;
    private readonly nint[] _records;
    private readonly nint[] _areas;
    private readonly ulong* _cells;

    /// <summary>Under a limit: whether the unit holds pages, for whoever counts them.</summary>
    private readonly ulong* _held;
    private nint _space;

    public RegionWorld(ModelMemory memory, int threads, in RegionSetting setting, params RegionStart[] starts)
    {
        _memory = memory;
        _starts = starts;
        Setting = setting;
        Users = new ModelHeap(memory);
        memory.Heap = Users;
        Users.OnPurgeRange = OnPurge;
        _cells = memory.Words("unit", starts.Length * Units);
        _held = setting.Limit == 0 ? null : memory.Words("held", starts.Length * Units);
        _records = new nint[Math.Max(setting.Records, Math.Max(threads, starts.Max(start => start.IsIdle ? start.Owner : 0)))];
        _areas = new nint[setting.Split == 0 ? 1 : 2];
        Heap = (Heap*)memory.Native(sizeof(Heap), 128);
        HeapWords.IgnoreSettings(memory, Heap);
        MakeHeap();
        MakeRecords(threads);
        MakeSpace();
        for (var region = 0; region < starts.Length; region++)
            MakeRegion(region, starts[region]);
        var touched = (ulong)starts.Sum(start => start.Touched) << RegionWord.UnitShift;
        Keep(&Heap->ChargedLine.Value, "charged", touched, setting.IsCharged);
        Keep(&Heap->TouchedLine.Value, "touched", touched, setting.IsCharged);
        Keep(&Heap->HardLimitLine.Value, "hard limit", (ulong)setting.Limit << RegionWord.UnitShift, setting.Limit != 0);
    }

    public Heap* Heap { get; }

    public ModelHeap Users { get; }

    public RegionSetting Setting { get; }

    public RegionSpace* Space => (RegionSpace*)_space;

    public int Count => _starts.Length;

    public int Records => _records.Length;

    /// <summary>A cache's record.</summary>
    public CacheRecord* Record(int number) => (CacheRecord*)_records[number];

    /// <summary>A region by its number over both areas.</summary>
    public RegionRef At(int region)
    {
        var split = Setting.Split;
        return split == 0 || region < split
            ? new RegionRef { Area = (RegionArea*)_areas[0], Index = (ulong)region }
            : new RegionRef { Area = (RegionArea*)_areas[1], Index = (ulong)(region - split) };
    }

    /// <summary>The number of the region at an address; −1 for none.</summary>
    public int NumberOf(ulong address)
    {
        for (var region = 0; region < Count; region++)
        {
            if (At(region).Start == address)
                return region;
        }

        return -1;
    }

    /// <summary>A region's word as it is.</summary>
    public RegionWord WordOf(int region) => new(ModelAtomics.LoadAcquire(At(region).Word, Site.None));

    /// <summary>Whether the region is free in a slot, or in the hands of who took it there.</summary>
    public bool IsIdle(int region) => WordOf(region).Phase == RegionPhase.InUse && ModelAtomics.LoadAcquire(At(region).Idle, Site.None) != 0;

    /// <summary>How many slots have the region; of all records, or of those that somebody is inside or claims.</summary>
    public int SlotsOf(int region, bool locked = false)
    {
        var slots = 0;
        for (var record = 0; record < Records; record++)
            slots += (!locked || IsLocked(record)) && ModelAtomics.LoadAcquire(CacheRecord.Region(Record(record), Class), Site.None) == At(region).Start ? 1 : 0;
        return slots;
    }

    /// <summary>Whether the slots of a record are somebody's at this moment.</summary>
    public bool IsLocked(int record) =>
        ModelAtomics.LoadAcquire(&Record(record)->RegionsInside, Site.None) != 0 || ModelAtomics.LoadAcquire(&Record(record)->RegionsClaim, Site.None) != 0;

    /// <summary>A unit's cell as it is: 0 blank, 1 + its user, or written and free.</summary>
    public ulong CellOf(int region, int unit) => ModelAtomics.Read(_cells + (region * Units) + unit, MemoryOrder.Plain, Site.None);

    /// <summary>Whether the cell says that a user has the unit.</summary>
    public static bool IsUsed(ulong cell) => cell is not (0 or Written);

    /// <summary>The running thread got units [first, end) of a region and writes them. From <paramref name="dirty"/> on they have to be blank, as far as they have to be at all.</summary>
    public void OnAlloc(int region, int first, int end, int dirty)
    {
        for (var unit = first; unit < end; unit++)
        {
            Users.TouchPage(PageName(region, unit));
            var cell = CellOf(region, unit);
            if (IsUsed(cell))
                throw new ModelErrorException(ModelErrorKind.Assertion, $"unit {unit} of region {region} is handed to thread {_memory.Thread} while thread {cell - 1} has it");
            if (unit >= dirty && cell != 0)
                throw new ModelErrorException(ModelErrorKind.Assertion, $"unit {unit} of region {region} is promised to be zero, and is not");
            Write(region, unit, (ulong)_memory.Thread + 1);
        }
    }

    /// <summary>The running thread's last look and write at units [first, end) before it gives them back.</summary>
    public void OnFree(int region, int first, int end)
    {
        for (var unit = first; unit < end; unit++)
        {
            if (CellOf(region, unit) != (ulong)_memory.Thread + 1)
                throw new ModelErrorException(ModelErrorKind.Assertion, $"unit {unit} of region {region} changed in the hands of thread {_memory.Thread}");
            Write(region, unit, Written);
        }
    }

    /// <summary>Units that hold pages, as far as the running thread sees.</summary>
    public int PagesSeen()
    {
        var pages = 0;
        for (var cell = 0; cell < Count * Units; cell++)
            pages += ModelAtomics.Read(_held + cell, MemoryOrder.Relaxed, Site.None) != 0 ? 1 : 0;
        return pages;
    }

    /// <summary>Everything behind the heap ends: nobody may touch it any more.</summary>
    public void EndAll()
    {
        for (var cell = 0; cell < Count * Units; cell++)
            ModelAtomics.Write(_cells + cell, 0, MemoryOrder.Plain, Site.None);
    }

    public static string PageName(int region, int unit) => $"page{region}.{unit}";

    private void Write(int region, int unit, ulong value)
    {
        var cell = (region * Units) + unit;
        ModelAtomics.Write(_cells + cell, value, MemoryOrder.Plain, Site.None);
        if (_held != null)
            ModelAtomics.Write(_held + cell, value == 0 ? 0ul : 1, MemoryOrder.Relaxed, Site.None);
    }

    /// <summary>The system takes pages: nobody may be using them.</summary>
    private void OnPurge(ulong address, ulong bytes)
    {
        for (var cell = 0; cell < Count * Units; cell++)
        {
            var (region, unit) = (cell / Units, cell % Units);
            var at = At(region).Start + ((ulong)unit << RegionWord.UnitShift);
            if (at < address || at >= address + bytes)
                continue;
            if (IsUsed(CellOf(region, unit)))
                throw new ModelErrorException(ModelErrorKind.UnmappedAccess, $"unit {unit} of region {region} is purged while thread {CellOf(region, unit) - 1} has it");
            Write(region, unit, 0);
        }
    }

    private void MakeHeap()
    {
        Heap->Os = VmTable.Of<ModelSystem>(null);
        Heap->PageSize = ModelSystem.Page;
        Heap->Checked = Setting.IsChecked;
        Heap->Classes = (ClassInfo*)_memory.Native(sizeof(ClassInfo) * SizeClasses.Count);
        Heap->States = (ClassState*)_memory.Native(sizeof(ClassState) * SizeClasses.Count);
        Heap->Stretches = (ulong*)_memory.Native(sizeof(ulong));
        Heap->RegionSpaces = _memory.Words("region space", 2);
        Heap->RegionClasses = (ulong*)_memory.Native(sizeof(ulong) * (RegionArea.ExactClass + 1));
        for (var number = 0; number <= RegionArea.ExactClass; number++)
            Keep(Heap->RegionClasses + number, "areas", 0, number == Class);
        for (var word = (ulong*)&Heap->Policy; word < (ulong*)(&Heap->Policy + 1); word++)
        {
            if (word != &Heap->Policy.PurgeSlack && word != &Heap->Policy.EagerReturn)
                _memory.Ignore(word);
        }

        Keep(&Heap->Policy.PurgeSlack, "slack", Policy.Never, true);
        Keep(&Heap->Policy.EagerReturn, "eager return", 1, Setting.EagerReturn);
        _memory.Ignore(Heap->Stretches);
        _memory.Ignore(&Heap->OsCallsLine.Value);
        _memory.Ignore(&Heap->PurgedBytesLine.Value);
        _memory.Ignore(&Heap->InUseLine.Value);
        _memory.Ignore(&Heap->DirectBytesLine.Value);
        _memory.Ignore(&Heap->DirectCountLine.Value);
        _memory.Ignore(&Heap->DirectLeavesLine.Value);
        _memory.Ignore(&Heap->SoftLimitLine.Value);
        _memory.Ignore(&Heap->LimitNoteLine.Value);
        _memory.Ignore(&Heap->LimitChargedLine.Value);
        _memory.Ignore(&Heap->SoftStepLine.Value);
        _memory.Ignore(&Heap->GenerationLine.Value);
        _memory.Ignore(&Heap->SharedOperationsLine.Value);
        _memory.Ignore(&Heap->RefillsLine.Value);
        _memory.Ignore(&Heap->FlushesLine.Value);
        _memory.Ignore(&Heap->Magazines.Committed);
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
            _memory.Ignore((ulong*)&Heap->States[sizeClass].Recycler);
    }

    private void MakeRecords(int threads)
    {
        for (var number = 0; number < _records.Length; number++)
        {
            var record = (CacheRecord*)_memory.Native(CacheRecord.Stride, CacheRecord.Stride);
            _records[number] = (nint)record;
            BlockWorld.InitRecord(record, Heap);
            record->HeapNext = number == 0 ? 0 : (ulong)_records[number - 1];
            for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
                Keep(CacheRecord.Region(record, regionClass), $"slot{number}", 0, regionClass == Class);
            Keep(&record->RegionsInside, $"inside{number}", 0, Setting.IsListed);
            Keep(&record->RegionsClaim, $"claim{number}", 0, Setting.IsListed);
            _memory.Register(&record->HeapNext, $"record{number}.next");
            _memory.Ignore(&record->State);
            if (number < threads)
                _memory.Private(number, record, sizeof(CacheRecord));
        }

        Keep(&Heap->RecordListLine.Value, "records", (ulong)_records[^1], Setting.IsListed);
    }

    private void MakeSpace()
    {
        var space = (RegionSpace*)_memory.Native(sizeof(RegionSpace));
        _space = (nint)space;
        space->Base = (byte*)DataBase;
        space->Length = 2ul << CarveShift;
        space->CarveShift = CarveShift;
        space->Map = new Watermark { Base = (byte*)_memory.Words("map", 2), Reserved = ModelSystem.Page, Step = ModelSystem.Page };
        space->Meta = new Watermark { Step = ModelSystem.Page };
        Keep(&space->Map.Committed, "map mark", 2 * sizeof(ulong), true);
        Keep(&space->Meta.Committed, "meta mark", 0, true);
        Keep(&space->Carved, "carved", space->Length, true);
        Keep(&space->MetaNext, "meta next", 0, true);
        ModelAtomics.Write(Heap->RegionSpaces, (ulong)space, MemoryOrder.Relaxed, Site.None);
        for (var number = 0; number < _areas.Length; number++)
            MakeArea(space, number);
        ModelAtomics.Write(Heap->RegionClasses + Class, (ulong)_areas[0], MemoryOrder.Relaxed, Site.None);
        if (_areas.Length > 1)
            ModelAtomics.Write(&((RegionArea*)_areas[0])->Next, (ulong)_areas[1], MemoryOrder.Relaxed, Site.None);
    }

    private void MakeArea(RegionSpace* space, int number)
    {
        var first = number == 0 ? 0 : Setting.Split;
        var count = (number == 0 && Setting.Split != 0 ? Setting.Split : Count) - first;
        var area = (RegionArea*)_memory.Native(sizeof(RegionArea));
        _areas[number] = (nint)area;
        area->Base = space->Base + ((ulong)number << CarveShift);
        area->Count = (ulong)count;
        area->Shift = RegionClasses.ShiftOf(Class);
        area->Class = Class;
        area->Entries = (ulong*)_memory.Native((count << RegionArea.EntryShift) * sizeof(ulong));
        for (var index = 0; index < count; index++)
        {
            var region = new RegionRef { Area = area, Index = (ulong)index };
            _memory.Register(region.Word, $"word{first + index}");
            _memory.Register(region.Idle, $"idle{first + index}");
        }

        area->Trees.Columns = 2;
        area->Trees.Leaves = _memory.Words($"leaf{number}", (count + 1) / 2 * 2);
        area->Trees.Middles = _memory.Words($"middle{number}", 2);
        area->Trees.Tops = _memory.Words($"top{number}", 2);
        area->Trees.Summaries = _memory.Words($"summary{number}", 2);
        var born = (ulong)_starts.Skip(first).Take(count).Count(start => start.Committed >= 0);
        Keep(&area->Frontier, $"frontier{number}", born, true);
        Keep(&area->Next, $"area{number}.next", 0, true);
        ModelAtomics.Write((ulong*)space->Map.Base + number, (ulong)area, MemoryOrder.Relaxed, Site.None);
    }

    private void MakeRegion(int number, in RegionStart start)
    {
        var region = At(number);
        for (var unit = 0; unit < Units; unit++)
        {
            Users.AddPage(PageName(number, unit), region.Start + ((ulong)unit << RegionWord.UnitShift), UnitBytes, committed: unit < start.Committed);
            var cell = unit < start.InUse && !start.IsIdle ? (ulong)start.Owner : unit < start.Touched ? Written : 0;
            Write(number, unit, cell);
        }

        if (start.Committed < 0)
            return;
        var word = new RegionWord(0).WithCommitted((ulong)start.Committed, huge: false);
        if (start.Phase != RegionPhase.Clean)
            word = word.Used((ulong)start.Touched).Used((ulong)start.InUse);
        if (start.Phase == RegionPhase.Dirty)
            word = word.Freed();
        ModelAtomics.Write(region.Word, word.Raw, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(region.Idle, start.IsIdle ? 1ul : 0, MemoryOrder.Relaxed, Site.None);
        if (start.IsIdle)
            ModelAtomics.Write(CacheRecord.Region(Record(start.Owner - 1), Class), region.Start, MemoryOrder.Relaxed, Site.None);
        else if (start.Phase != RegionPhase.InUse)
            BitTree<ModelAtomics, FourBlockTrees>.Set(&region.Area->Trees, start.Phase == RegionPhase.Dirty ? RegionArea.DirtyColumn : RegionArea.CleanColumn, region.Index);
    }

    /// <summary>A word of native memory with its first value: of the scenario, or, where it is none of its matter, ignored: it reads as 0.</summary>
    private void Keep(ulong* address, string name, ulong value, bool isOurs)
    {
        if (!isOurs)
        {
            _memory.Ignore(address);
            return;
        }

        *address = value;
        _memory.Register(address, name);
    }
}
