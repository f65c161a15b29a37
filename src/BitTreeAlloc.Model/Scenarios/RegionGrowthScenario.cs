using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Areas and spaces of regions are made: n an area is added, a alloc of a region, l lookup of what lies in the first two carve units, w walk over the areas of the class. One region an area, 32 MiB each, two to a space.
/// What a maker writes plainly differs by place alone, so a rerun of one thread finds what it wrote; only an area's base may be another's, and nothing here depends on it.
/// </summary>
internal sealed unsafe class RegionGrowthScenario(string name, bool hasSpace, params string[] programs) : Scenario
{
    private const int Class = 4;
    private const int Shift = 25;
    private const int Blocks = 3;
    private const int Areas = 2;
    private const int AreaBytes = 256;
    private const int EntriesAt = 128;
    private const int EntryWords = 1 << RegionArea.EntryShift;
    private const int TreeWords = 8;
    private const ulong SpaceBytes = 2ul << Shift;
    private const int Page = (int)ModelSystem.Page;
    private readonly nint[] _blocks = new nint[Blocks];
    private readonly nint[] _records = new nint[programs.Length];
    private Heap* _heap;
    private ModelHeap _users = null!;

    public override string Name => $"regions/{name}";

    public override string Claim => "an area is complete and committed for whoever finds it, two that are made at once both serve, of two spaces one stays, and the charge is what was committed";

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public override int StepBound => 254;

    public override void Prepare(ModelMemory memory)
    {
        _users = new ModelHeap(memory);
        memory.Heap = _users;
        _heap = (Heap*)memory.Native(sizeof(Heap), 128);
        HeapWords.IgnoreSettings(memory, _heap);
        _heap->Os = VmTable.Of<ModelSystem>(null);
        _heap->PageSize = ModelSystem.Page;
        _heap->RegionSpaces = memory.Words("region space", 2);
        _heap->RegionClasses = (ulong*)memory.Native(sizeof(ulong) * (RegionArea.ExactClass + 1));
        for (var number = 0; number <= RegionArea.ExactClass; number++)
        {
            if (number == Class)
                memory.Register(_heap->RegionClasses + number, "areas");
            else
                memory.Ignore(_heap->RegionClasses + number);
        }

        _heap->Policy.PurgeSlack = Policy.Never;
        memory.Register(&_heap->Policy.PurgeSlack, "slack");
        for (var word = (ulong*)&_heap->Policy; word < (ulong*)(&_heap->Policy + 1); word++)
        {
            if (word != &_heap->Policy.PurgeSlack)
                memory.Ignore(word);
        }

        memory.Register(&_heap->ChargedLine.Value, "charged");
        memory.Ignore(&_heap->TouchedLine.Value);
        memory.Ignore(&_heap->HardLimitLine.Value);
        memory.Ignore(&_heap->SoftLimitLine.Value);
        memory.Ignore(&_heap->LimitNoteLine.Value);
        memory.Ignore(&_heap->LimitChargedLine.Value);
        memory.Ignore(&_heap->SoftStepLine.Value);
        memory.Ignore(&_heap->OsCallsLine.Value);
        memory.Ignore(&_heap->PurgedBytesLine.Value);
        memory.Ignore(&_heap->InUseLine.Value);
        memory.Ignore(&_heap->RecordListLine.Value);
        for (var thread = 0; thread < programs.Length; thread++)
            MakeRecord(memory, thread);
        for (var number = 0; number < Blocks; number++)
            MakeBlock(memory, number);
        if (hasSpace)
            MakeSpace(_blocks[^1]);

        // By the thread that asks: what it writes there is the same whoever was first.
        _users.Reserves = bytes => bytes == SpaceBytes ? (1ul << 40) + ((ulong)memory.Thread << 32) : bytes == 3 * ModelSystem.Page ? (ulong)_blocks[memory.Thread] : 0;
    }

    public override void Body(Run run, int thread)
    {
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'n':
                    var outcome = RegionAreas<ModelAtomics, OneBlockTrees>.Add(_heap, Class);
                    run.Assert(outcome == Outcome.Ok, $"an area came to {outcome}");
                    break;
                case 'a':
                    var address = Regions<ModelAtomics, OneBlockTrees>.Alloc(_heap, (CacheRecord*)_records[thread], 1, 1ul << Shift, out _, out outcome);
                    run.Assert(address != 0 && outcome == Outcome.Ok, $"an alloc came to {outcome}");
                    break;
                case 'l':
                    Locate(run);
                    break;
                default:
                    for (var area = RegionAreas<ModelAtomics, OneBlockTrees>.First(_heap, Class); area != null; area = RegionAreas<ModelAtomics, OneBlockTrees>.Next(area))
                    {
                        Touch(area);
                        run.Assert(Mapped(RegionAreas<ModelAtomics, OneBlockTrees>.SpaceAt(_heap, 0), area) == 1, "an area is in its list before lookups find it");
                    }

                    break;
            }
        }
    }

    public override void Check(Run run)
    {
        var charged = ModelAtomics.LoadAcquire(&_heap->ChargedLine.Value, Site.None);
        var space = (RegionSpace*)ModelAtomics.LoadAcquire(_heap->RegionSpaces, Site.None);
        var due = hasSpace ? 0 : ModelSystem.Page + ModelAtomics.LoadAcquire(&space->Map.Committed, Site.None);
        due += ModelAtomics.LoadAcquire(&space->Meta.Committed, Site.None);
        var listed = 0;
        for (var area = RegionAreas<ModelAtomics, OneBlockTrees>.First(_heap, Class); area != null && listed <= Areas; area = RegionAreas<ModelAtomics, OneBlockTrees>.Next(area))
        {
            listed++;
            run.Assert(Mapped(space, area) == 1, $"an area of the list is in {Mapped(space, area)} places of the map");
            var word = new RegionWord(ModelAtomics.LoadAcquire(area->Entries, Site.None));
            due += word.Touched << RegionWord.UnitShift;
            var born = ModelAtomics.LoadAcquire(&area->Frontier, Site.None) != 0;
            run.Assert(born == (word.Phase == RegionPhase.InUse) && !word.IsClaimed, $"a region is left {word}");
        }

        var added = Count('n');
        var allocated = Count('a');
        run.Assert(listed >= Math.Max(added, allocated) && listed <= added + allocated, $"{listed} areas are in the list, {added} were added and {allocated} regions taken");
        run.Assert(charged == due, $"{charged} bytes are charged, {due} are due");
        run.Assert(hasSpace || Enumerable.Range(0, Blocks - 1).Count(number => _users.IsCommitted(HeaderPage(number))) == 1, "a space is left that nobody finds");
    }

    /// <summary>A thread that was stopped keeps what it was making: an area or a space; the others' list is whole.</summary>
    public override void CheckStopped(Run run, int stopped)
    {
        var listed = 0;
        for (var area = RegionAreas<ModelAtomics, OneBlockTrees>.First(_heap, Class); area != null && listed <= Areas; area = RegionAreas<ModelAtomics, OneBlockTrees>.Next(area))
            listed++;
        var due = programs.Where((_, thread) => thread != stopped).Sum(program => program.Count(letter => letter == 'n'));
        run.Assert(listed >= due && listed <= Areas, $"{listed} areas are in the list, {due} have to be");
    }

    private static string HeaderPage(int number) => $"space{number}.page";

    private int Count(char letter) => programs.Sum(program => program.Count(candidate => candidate == letter));

    private static int Mapped(RegionSpace* space, RegionArea* area)
    {
        var places = 0;
        for (var unit = 0; unit < Areas; unit++)
            places += ModelAtomics.LoadAcquire((ulong*)space->Map.Base + unit, Site.None) == (ulong)area ? 1 : 0;
        return places;
    }

    /// <summary>Whoever was led to an area may look at its words: they are committed. The lookup itself looks, also where it answers no.</summary>
    private void Locate(Run run)
    {
        var space = RegionAreas<ModelAtomics, OneBlockTrees>.SpaceAt(_heap, 0);
        if (space == null)
            return;
        TouchHeader(space);
        for (var unit = 0ul; unit < Areas; unit++)
        {
            var isFound = RegionAreas<ModelAtomics, OneBlockTrees>.TryLocate(_heap, (ulong)space->Base + (unit << Shift) + 1, out var region);
            if (region.Area != null)
                Touch(region.Area);
            run.Assert(!isFound || Regions<ModelAtomics, OneBlockTrees>.SizeOf(region, region.Start) is 0 or RegionWorld.UnitBytes, "another region is found");
        }
    }

    private void Touch(RegionArea* area)
    {
        for (var number = 0; number < Blocks; number++)
        {
            if ((ulong)area - (ulong)_blocks[number] < 3 * ModelSystem.Page)
                _users.TouchPage($"space{number}.areas");
        }
    }

    private void TouchHeader(RegionSpace* space)
    {
        for (var number = 0; number < Blocks; number++)
        {
            if ((nint)space == _blocks[number])
                _users.TouchPage(HeaderPage(number));
        }
    }

    private void MakeRecord(ModelMemory memory, int thread)
    {
        var record = (CacheRecord*)memory.Native(CacheRecord.Stride, CacheRecord.Stride);
        _records[thread] = (nint)record;
        BlockWorld.InitRecord(record, _heap);
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
            memory.Ignore(CacheRecord.Region(record, regionClass));
        memory.Private(thread, record, sizeof(CacheRecord));
    }

    /// <summary>What a thread gets when it reserves room for a space's metadata: header, map and areas, a page each.</summary>
    private void MakeBlock(ModelMemory memory, int number)
    {
        var block = (byte*)memory.Native(3 * Page, Page);
        _blocks[number] = (nint)block;
        var space = (RegionSpace*)block;
        var isThere = number == Blocks - 1;
        _users.AddPage(HeaderPage(number), (ulong)block, ModelSystem.Page, committed: isThere);
        _users.AddPage($"space{number}.map", (ulong)block + ModelSystem.Page, ModelSystem.Page, committed: isThere);
        _users.AddPage($"space{number}.areas", (ulong)block + (2 * ModelSystem.Page), ModelSystem.Page);
        memory.Register(&space->Carved, $"space{number}.carved");
        memory.Register(&space->MetaNext, $"space{number}.next");
        memory.Register(&space->Map.Committed, $"space{number}.map mark");
        memory.Register(&space->Meta.Committed, $"space{number}.meta mark");
        for (var area = 0; area < Areas; area++)
        {
            memory.Register((ulong*)(block + Page) + area, $"space{number}.map[{area}]");
            var at = (RegionArea*)(block + (2 * Page) + (area * AreaBytes));
            memory.Register(&at->Frontier, $"area{number}.{area}.frontier");
            memory.Register(&at->Next, $"area{number}.{area}.next");
            for (var word = 0; word < EntryWords + TreeWords; word++)
            {
                if (word is 0 or 1 or >= EntryWords)
                    memory.Register((ulong*)((byte*)at + EntriesAt) + word, word switch { 0 => $"area{number}.{area}.word", 1 => $"area{number}.{area}.idle", _ => $"area{number}.{area}.tree[{word}]" });
            }
        }
    }

    private void MakeSpace(nint block)
    {
        var space = (RegionSpace*)block;
        space->Base = (byte*)(1ul << 41);
        space->Length = SpaceBytes;
        space->CarveShift = Shift;
        space->Map.Base = (byte*)block + Page;
        space->Map.Reserved = ModelSystem.Page;
        space->Map.Step = ModelSystem.Page;
        ModelAtomics.Write(&space->Map.Committed, ModelSystem.Page, MemoryOrder.Relaxed, Site.None);
        space->Meta.Base = (byte*)block + (2 * Page);
        space->Meta.Reserved = ModelSystem.Page;
        space->Meta.Step = ModelSystem.Page;
        ModelAtomics.Write(_heap->RegionSpaces, (ulong)space, MemoryOrder.Relaxed, Site.None);
    }
}
