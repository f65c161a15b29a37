using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Threads that take, free, lengthen and sweep runs of the exact mode by the shipped code, in one chunk of a few pages. Letters: a, b alloc of one and two pages, f free of what is in hand, F free of the run at page 0, t, T what is in hand becomes
/// two pages and one, k a sweep of what is kept. Each page has a plain cell that says who uses it and whether it holds what a user wrote.
/// </summary>
/// <param name="name">Name.</param>
/// <param name="claim">What must hold.</param>
/// <param name="pages">Pages of the chunk.</param>
/// <param name="start">Runs at first: first page, pages, and the thread that has them; <see cref="Kept"/>, or <see cref="Left"/>.</param>
/// <param name="programs">Letters per thread.</param>
internal sealed unsafe class ExactRegionScenario(string name, string claim, int pages, (int First, int Pages, int Thread)[] start, params string[] programs) : Scenario
{
    /// <summary>Free, with its pages.</summary>
    public const int Kept = -1;

    /// <summary>In use by words, and its user is done with it.</summary>
    public const int Left = -2;

    private const ulong Base = 1ul << 40;
    private const ulong UnitBytes = 1ul << RegionWord.UnitShift;
    private const ulong Written = 0x100;
    private const ulong Denied = 1000;
    private readonly nint[] _records = new nint[programs.Length];
    private Heap* _heap;
    private RegionArea* _area;
    private ulong* _cells;
    private ModelHeap _users = null!;

    public override string Name => $"exact/{name}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public override int StepBound => 254;

    /// <summary>Allocations that have to succeed, whatever the order.</summary>
    public int Granted { get; init; }

    /// <summary>The system refuses some commits and purges: every way is explored.</summary>
    public bool Refuses { get; init; }

    public override void Prepare(ModelMemory memory)
    {
        _users = new ModelHeap(memory);
        memory.Heap = _users;
        _heap = (Heap*)memory.Native(sizeof(Heap), 128);
        _heap->Os = VmTable.Of<ModelSystem>(null);
        _heap->PageSize = ModelSystem.Page;
        _heap->ExactRegions = true;
        _heap->RegionSpaces = memory.Words("region space", 2);
        _heap->RegionClasses = (ulong*)memory.Native(sizeof(ulong) * (RegionArea.ExactClass + 1));
        for (var number = 0; number < RegionArea.ExactClass; number++)
            memory.Ignore(_heap->RegionClasses + number);
        _heap->Policy.PurgeSlack = Policy.Never;
        memory.Register(&_heap->Policy.PurgeSlack, "slack");
        for (var word = (ulong*)&_heap->Policy; word < (ulong*)(&_heap->Policy + 1); word++)
        {
            if (word != &_heap->Policy.PurgeSlack)
                memory.Ignore(word);
        }

        memory.Ignore(&_heap->SealLine.Value);
        memory.Ignore(&_heap->TouchedLine.Value);
        memory.Ignore(&_heap->HardLimitLine.Value);
        memory.Ignore(&_heap->OsCallsLine.Value);
        memory.Ignore(&_heap->PurgedBytesLine.Value);
        memory.Ignore(&_heap->InUseLine.Value);
        memory.Ignore(&_heap->RecordListLine.Value);
        memory.Register(&_heap->ChargedLine.Value, "charged");
        memory.Register(_heap->RegionClasses + RegionArea.ExactClass, "chunks");
        for (var thread = 0; thread < programs.Length; thread++)
            MakeRecord(memory, thread);
        MakeChunk(memory);
        foreach (var run in start)
            MakeRun(run.First, run.Pages, run.Thread);
        ModelAtomics.Write(&_heap->ChargedLine.Value, (ulong)start.Sum(run => run.Pages) * UnitBytes, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(&_area->Kept, (ulong)start.Count(run => run.Thread == Kept), MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(&_area->Frontier, (ulong)pages, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(_heap->RegionClasses + RegionArea.ExactClass, (ulong)_area, MemoryOrder.Relaxed, Site.None);
        _users.OnPurgeRange = (address, bytes) =>
        {
            for (var page = (int)((address - Base) / UnitBytes); page < (int)((address + bytes - Base) / UnitBytes); page++)
            {
                if (CellOf(page) is not (0 or Written))
                    throw new ModelErrorException(ModelErrorKind.UnmappedAccess, $"page {page} is purged while thread {CellOf(page) - 1} has it");
                Write(page, 0);
            }
        };
    }

    public override void Body(Run run, int thread)
    {
        _users.Refuses = Refuses ? _ => run.Choose(2) == 1 : null;
        var record = (CacheRecord*)_records[thread];
        var (first, held) = (-1, 0);
        foreach (var owned in start)
        {
            if (owned.Thread == thread)
                (first, held) = (owned.First, owned.Pages);
        }

        foreach (var letter in programs[thread])
        {
            run.Begin(0);
            var isDone = letter switch
            {
                'a' or 'b' => Alloc(run, thread, record, letter - 'a' + 1, ref first, ref held),
                'f' => Free(run, thread, record, first, ref held),
                'F' => ExactRegions<ModelAtomics, FourBlockTrees>.Free(_heap, record, At(0), Base) == Outcome.Ok,
                't' or 'T' => Resize(run, thread, record, letter == 't' ? 2 : 1, first, ref held),
                _ => ExactRegions<ModelAtomics, FourBlockTrees>.Sweep(_heap, ulong.MaxValue, 0) != 0,
            };
            run.End(isDone ? 1 : Denied);
        }
    }

    public override void Check(Run run)
    {
        var (touched, kept, taken) = (0ul, 0ul, 0ul);
        for (var page = 0; page < pages; page++)
        {
            var word = WordOf(page);
            var length = ModelAtomics.LoadAcquire(_area->Runs.Runs + page, Site.None);
            run.Assert(length == word.Touched && !word.IsClaimed && (word.Phase != RegionPhase.Clean || word.Raw == 0), $"page {page} begins a run of {length}, its word is {word}");
            touched += word.Touched;
            kept += word.Phase == RegionPhase.Dirty ? 1ul : 0;
            taken |= ((1ul << (int)length) - 1) << page;
        }

        run.Assert(taken == Bits(), $"the bits are {Bits():b}, the runs {taken:b}");
        run.Assert(ModelAtomics.LoadAcquire(&_area->Kept, Site.None) == kept, $"{kept} runs are kept, another number is noted");
        run.Assert(ModelAtomics.LoadAcquire(&_heap->ChargedLine.Value, Site.None) == touched * UnitBytes, $"{touched} pages are touched, and others charged");
        run.Assert(Results(run, 'a') + Results(run, 'b') >= Granted, "an allocation was refused that has to be granted");
        run.Assert(!programs.Any(program => program.Contains('F')) || Results(run, 'F') == 1, $"{Results(run, 'F')} of the frees of one run came through");
    }

    /// <summary>Who stopped strands the run that it took, gave or resized; nobody is given its pages, and no run loses a page.</summary>
    public override void CheckStopped(Run run, int stopped)
    {
        var (runs, whole) = (0ul, 0ul);
        for (var page = 0; page < pages; page++)
        {
            var word = WordOf(page);
            var mask = ((1ul << (int)ModelAtomics.LoadAcquire(_area->Runs.Runs + page, Site.None)) - 1) << page;
            runs |= mask;
            whole |= word.IsClaimed || word.Raw == 0 ? 0 : mask;
            run.Assert(word.IsClaimed || word.Touched <= (ulong)BitOperations.PopCount(mask), $"the word of page {page}, {word}, says more than its run has");
        }

        run.Assert((runs & ~Bits()) == 0, $"pages of a run are free: the bits are {Bits():b}, the runs {runs:b}");
        run.Assert(BitOperations.PopCount(Bits() & ~whole) <= 3, $"{Bits() & ~whole:b} is stranded, more than one run");
    }

    private int Results(Run run, char letter)
    {
        var count = 0;
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
                count += programs[thread][number] == letter && ((run.ResultOf(thread, number) >> 16) & uint.MaxValue) != Denied ? 1 : 0;
        }

        return count;
    }

    private bool Alloc(Run run, int thread, CacheRecord* record, int units, ref int first, ref int held)
    {
        var address = ExactRegions<ModelAtomics, FourBlockTrees>.Alloc(_heap, record, (ulong)units * UnitBytes, 1, out var dirtyBytes, out var outcome);
        run.Assert((address != 0) == (outcome == Outcome.Ok) && (outcome is Outcome.Ok or Outcome.AddressSpaceExhausted || (Refuses && outcome == Outcome.CommitRefused)), $"an alloc came to {outcome}");
        if (address == 0)
            return false;
        (first, held) = ((int)((address - Base) / UnitBytes), units);
        Own(run, thread, first, first + units, dirtyBytes != 0);
        return true;
    }

    private bool Free(Run run, int thread, CacheRecord* record, int first, ref int held)
    {
        if (held == 0)
            return false;
        Disown(run, thread, first, first + held);
        held = 0;
        var outcome = ExactRegions<ModelAtomics, FourBlockTrees>.Free(_heap, record, At(first), Base + ((ulong)first * UnitBytes));
        run.Assert(outcome == Outcome.Ok, $"a free came to {outcome}");
        return true;
    }

    private bool Resize(Run run, int thread, CacheRecord* record, int units, int first, ref int held)
    {
        if (held == 0)
            return false;
        if (units < held)
            Disown(run, thread, first + units, first + held);
        var isDone = ExactRegions<ModelAtomics, FourBlockTrees>.TryResize(_heap, record, At(first), (ulong)units * UnitBytes, out var outcome);
        run.Assert(outcome == Outcome.Ok || (Refuses && outcome == Outcome.CommitRefused), $"a resize came to {outcome}");
        run.Assert(isDone || units > held, "a run could not be made shorter");
        if (isDone && units > held)
            Own(run, thread, first + held, first + units, Refuses);
        held = isDone ? units : held;
        return isDone;
    }

    private void Own(Run run, int thread, int first, int end, bool mayBeDirty)
    {
        for (var page = first; page < end; page++)
        {
            _users.TouchPage($"page{page}");
            var cell = CellOf(page);
            run.Assert(cell == 0 || (mayBeDirty && cell == Written), $"page {page} is handed out as {cell:x}");
            Write(page, (ulong)thread + 1);
        }
    }

    private void Disown(Run run, int thread, int first, int end)
    {
        for (var page = first; page < end; page++)
        {
            run.Assert(CellOf(page) == (ulong)thread + 1, $"page {page} changed in its user's hands");
            Write(page, Written);
        }
    }

    private ulong CellOf(int page) => ModelAtomics.Read(_cells + page, MemoryOrder.Plain, Site.None);

    private void Write(int page, ulong value) => ModelAtomics.Write(_cells + page, value, MemoryOrder.Plain, Site.None);

    private RegionWord WordOf(int page) => new(ModelAtomics.LoadAcquire(At(page).Word, Site.None));

    private RegionRef At(int page) => new() { Area = _area, Index = (ulong)page };

    private ulong Bits()
    {
        var bits = 0ul;
        for (var word = 0; word < PageRuns<ModelAtomics, FourBlockTrees>.WordsOf(pages); word++)
            bits |= ModelAtomics.LoadAcquire(_area->Runs.Taken + word, Site.None) << (word << FourBlockTrees.WordShift);
        return bits;
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

    private void MakeChunk(ModelMemory memory)
    {
        _cells = memory.Words("cell", pages);
        _area = (RegionArea*)memory.Native(sizeof(RegionArea));
        _area->Base = (byte*)Base;
        _area->Count = (ulong)pages;
        _area->Shift = RegionWord.UnitShift;
        _area->Class = RegionArea.ExactClass;
        _area->Entries = (ulong*)memory.Native((pages << RegionArea.EntryShift) * sizeof(ulong));
        _area->Runs.Pages = pages;
        _area->Runs.Taken = memory.Words("taken", PageRuns<ModelAtomics, FourBlockTrees>.WordsOf(pages));
        _area->Runs.Runs = memory.Words("run", pages);
        memory.Register(&_area->Frontier, "frontier");
        memory.Register(&_area->Kept, "kept");
        memory.Register(&_area->Next, "next chunk");
        for (var page = 0; page < pages; page++)
        {
            memory.Register(At(page).Word, $"word{page}");
            memory.Register(At(page).Idle, $"idle{page}");
            _users.AddPage($"page{page}", Base + ((ulong)page * UnitBytes), UnitBytes, committed: start.Any(run => page >= run.First && page < run.First + run.Pages));
        }
    }

    private void MakeRun(int first, int length, int thread)
    {
        for (var page = first; page < first + length; page++)
        {
            ModelAtomics.FetchOrAcqRel(_area->Runs.Taken + (page >> FourBlockTrees.WordShift), 1ul << (page & ((1 << FourBlockTrees.WordShift) - 1)), Site.None);
            Write(page, thread < 0 ? Written : (ulong)thread + 1);
        }

        var word = new RegionWord(0).WithCommitted((ulong)length, huge: false).Used((ulong)length);
        ModelAtomics.Write(_area->Runs.Runs + first, (ulong)length, MemoryOrder.Relaxed, Site.None);
        ModelAtomics.Write(At(first).Word, (thread == Kept ? word.Freed() : word).Raw, MemoryOrder.Relaxed, Site.None);
    }
}
