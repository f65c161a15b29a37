using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Threads that take, free, lengthen, steal and purge regions by the shipped code. Letters: a, b alloc of one and two units (three and four where hits are tried: a hit is of the size's own class), f free of what was got last, F free of region 0 whoever has it, t, T, x two units, one
/// and three for what is in hand, u use of it, k a tick of the worker, s a sweep with tails (a trim), o all slots are offered, w the thread's own are, q a theft alone, whose region is put back, g figures, l lookup of every region,
/// v a tick inside the gate, d the gate is closed and all ends.
/// </summary>
internal sealed unsafe class RegionScenario(string name, string claim, RegionStart[] starts, params string[] programs) : Scenario, Reports.IWordDecoder, Reports.IShrinkable
{
    private const string Letters = "abfFtTxuksoqglvd";
    private const ulong Denied = 1000;
    private RegionWorld _world = null!;
    private ulong* _gate;

    public override string Name => $"regions/{name}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public override IReadOnlyList<string> Operations { get; } =
        ["Alloc", "AllocTwo", "Free", "FreeAgain", "Lengthen", "Shorten", "LengthenTwice", "Use", "Tick", "Sweep", "Offer", "Steal", "Figures", "Locate", "Visit", "Dispose"];

    /// <summary>A closer waits for visitors; that is its contract.</summary>
    public override bool IsLockFree => !programs.Any(program => program.Contains('d'));

    public override int StepBound => 254;

    public RegionSetting Setting { get; init; } = new();

    /// <summary>The system refuses some commits and purges: every way is explored.</summary>
    public bool Refuses { get; init; }

    /// <summary>A purge takes the commit with it (Windows, under commit pressure).</summary>
    public bool PurgeLosesCommit { get; init; }

    /// <summary>Allocations that have to succeed, whatever the order: there is a free region for each.</summary>
    public int Granted { get; init; }

    /// <summary>Allocations and frees go the short way first, as the Api's do.</summary>
    public bool Hits { get; init; }

    /// <summary>Bytes that a tick may purge of a class, in units.</summary>
    public int Budget { get; init; } = 16;

    /// <summary>Region words by their fields.</summary>
    public string? Decode(string location, ulong low, ulong high) => location.StartsWith("word", StringComparison.Ordinal) ? new RegionWord(low).ToString() : null;

    /// <summary>Without a thread, without a step.</summary>
    public IEnumerable<Scenario> Smaller() => SmallerPrograms.Of([.. programs.Select(program => program.ToCharArray())]).Select(smaller =>
        new RegionScenario(name, claim, starts, [.. smaller.Select(letters => new string(letters))]) { Deviations = Deviations, Setting = Setting, Refuses = Refuses, Hits = Hits, PurgeLosesCommit = PurgeLosesCommit, Budget = Budget });

    public override void Prepare(ModelMemory memory)
    {
        _world = new RegionWorld(memory, programs.Length, Setting, starts);
        _world.Users.PurgeLosesCommit = PurgeLosesCommit;
        _gate = memory.Words("gate");
        for (var thread = 0; thread < programs.Length; thread++)
            _world.Record(thread)->LastArea = _world.At(0).Area;
    }

    public override void Body(Run run, int thread)
    {
        _world.Users.Refuses = Refuses ? _ => run.Choose(2) == 1 : null;
        var hands = new Hands(stackalloc int[8], stackalloc int[8]);
        for (var region = 0; region < starts.Length; region++)
        {
            if (starts[region].Phase == RegionPhase.InUse && !starts[region].IsIdle && starts[region].Owner == thread + 1)
                hands.Push(region, starts[region].InUse);
        }

        foreach (var letter in programs[thread])
        {
            run.Begin(Letters.IndexOf(letter == 'w' ? 'o' : letter, StringComparison.Ordinal));
            run.End(Step(run, _world.Record(thread), letter, ref hands));
        }
    }

    public override void Check(Run run)
    {
        if (programs.Any(program => program.Contains('d')))
            return;
        RegionChecks.AtRest(run, _world);
        var granted = 0;
        var freed = 0;
        var wanted = 0;
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
            {
                var isDone = ((run.ResultOf(thread, number) >> 16) & uint.MaxValue) != Denied;
                granted += programs[thread][number] is 'a' or 'b' && isDone ? 1 : 0;
                freed += programs[thread][number] is 'f' or 'F' && isDone ? 1 : 0;
                wanted += programs[thread][number] == 'f' ? 1 : 0;
            }
        }

        run.Assert(granted >= Granted, $"{granted} allocations were granted, {Granted} have to be");
        if (programs.Any(program => program.Contains('F')))
            run.Assert(freed == wanted, $"{freed} frees succeeded, {wanted} should");
    }

    /// <summary>
    /// A stopped thread hides or holds one region (principle 4), after the repair that stands before a new area (X1), and where it stopped inside its slots or a claim, those of one record: what the others take until nothing
    /// is left is all but these.
    /// </summary>
    public override void CheckStopped(Run run, int stopped)
    {
        _world.Users.Refuses = null;
        ModelAtomics.StoreRelease(&_world.Heap->HardLimitLine.Value, 0, Site.None);
        RegionChecks.AtRest(run, _world, mayHold: 1, isStopped: true);
        for (var record = 0; record < _world.Records; record++)
        {
            while (record != stopped && Regions<ModelAtomics, FourBlockTrees>.Alloc(_world.Heap, _world.Record(record), RegionWorld.UnitBytes, RegionWorld.RegionBytes, out _, out _) != 0)
            {
            }
        }

        var left = 0;
        for (var region = 0; region < starts.Length; region++)
        {
            var word = _world.WordOf(region);
            var isHeldBack = Setting.IsListed ? _world.SlotsOf(region, locked: true) != 0 : ModelAtomics.LoadAcquire(CacheRecord.Region(_world.Record(stopped), RegionWorld.Class), Site.None) == _world.At(region).Start;
            left += !isHeldBack && (word.IsClaimed || word.Phase is RegionPhase.Dirty or RegionPhase.Clean || _world.IsIdle(region)) ? 1 : 0;
        }

        run.Assert(left <= 1, $"{left} free regions are out of the others' reach");
    }

    private ulong Step(Run run, CacheRecord* record, char letter, ref Hands hands)
    {
        var heap = _world.Heap;
        switch (letter)
        {
            case 'a' or 'b':
                return Alloc(run, record, (Hits ? 3 : 1) + (letter == 'b' ? 1 : 0), ref hands);
            case 'f':
                return Free(run, record, ref hands);
            case 'F':
                return FreeAgain(run, record);
            case 't' or 'T' or 'x':
                return Resize(run, record, letter switch { 't' => 2, 'T' => 1, _ => 3 }, ref hands);
            case 'u':
                for (var hand = 0; hand < hands.Count; hand++)
                {
                    _world.OnFree(hands.RegionAt(hand), 0, hands.UnitsAt(hand));
                    _world.OnAlloc(hands.RegionAt(hand), 0, hands.UnitsAt(hand), RegionWorld.Units);
                }

                return 0;
            case 'k':
                return RegionPurge<ModelAtomics, FourBlockTrees>.Tick(heap, (ulong)Budget << RegionWord.UnitShift) >> RegionWord.UnitShift;
            case 's':
                return RegionPurge<ModelAtomics, FourBlockTrees>.Sweep(heap, ulong.MaxValue, 0) >> RegionWord.UnitShift;
            case 'o':
                RegionSlots<ModelAtomics, FourBlockTrees>.OfferAll(heap);
                return 0;
            case 'w':
                RegionSlots<ModelAtomics, FourBlockTrees>.OfferOwn(heap, record);
                return 0;
            case 'q':
                return Steal(run, record);
            case 'g':
                Figures(run);
                return 0;
            case 'l':
                Locate(run);
                return 0;
            case 'v':
                return Visit();
            default:
                return Dispose(run);
        }
    }

    private ulong Alloc(Run run, CacheRecord* record, int units, ref Hands hands)
    {
        var dirtyBytes = RegionWorld.RegionBytes;
        var outcome = Outcome.Ok;
        var address = Hits ? RegionHits<ModelAtomics, FourBlockTrees>.TryAlloc(record, (ulong)units * RegionWorld.UnitBytes) : 0;
        run.Assert(address == 0 || Regions<ModelAtomics, FourBlockTrees>.SizeOf(_world.At(_world.NumberOf(address)), address) == (ulong)units * RegionWorld.UnitBytes, "a hit came to a region of another length");
        if (address == 0)
            address = Regions<ModelAtomics, FourBlockTrees>.Alloc(_world.Heap, record, (ulong)units * RegionWorld.UnitBytes, RegionWorld.RegionBytes, out dirtyBytes, out outcome);
        run.Assert((address != 0) == (outcome == Outcome.Ok), $"an alloc came to {outcome} with address {address:x}");
        if (address == 0)
        {
            run.Assert(outcome is Outcome.AddressSpaceExhausted or Outcome.LimitReached || (Refuses && outcome == Outcome.CommitRefused), $"an alloc came to {outcome}");
            return Denied;
        }

        var region = _world.NumberOf(address);
        run.Assert(region >= 0, $"an alloc came to {address:x}, which is no region");
        _world.OnAlloc(region, 0, units, (int)(dirtyBytes >> RegionWord.UnitShift));
        CheckLimit(run);
        hands.Push(region, units);
        return (ulong)region;
    }

    private ulong Free(Run run, CacheRecord* record, ref Hands hands)
    {
        if (!hands.TryPop(out var region, out var units))
            return Denied;
        _world.OnFree(region, 0, units);
        var isFound = RegionAreas<ModelAtomics, FourBlockTrees>.TryLocate(_world.Heap, _world.At(region).Start, out var found);
        run.Assert(isFound && found.Start == _world.At(region).Start, "a region of our own is not found");
        var outcome = Hits && RegionHits<ModelAtomics, FourBlockTrees>.TryFree(record, found.Start) ? Outcome.Ok : Regions<ModelAtomics, FourBlockTrees>.Free(_world.Heap, record, found, found.Start);
        run.Assert(outcome == Outcome.Ok || (outcome == Outcome.DoubleFree && programs.Any(program => program.Contains('F'))), $"a free came to {outcome}");
        return outcome == Outcome.Ok ? (ulong)region : Denied;
    }

    /// <summary>A free of region 0 by one who does not have it, or no more.</summary>
    private ulong FreeAgain(Run run, CacheRecord* record)
    {
        var region = _world.At(0);
        if (Hits && RegionHits<ModelAtomics, FourBlockTrees>.TryFree(record, region.Start))
            return 0;
        var outcome = Regions<ModelAtomics, FourBlockTrees>.Free(_world.Heap, record, region, region.Start);
        run.Assert(outcome is Outcome.Ok or Outcome.DoubleFree, $"a free came to {outcome}");
        return outcome == Outcome.Ok ? 0 : Denied;
    }

    private ulong Steal(Run run, CacheRecord* record)
    {
        if (!RegionSlots<ModelAtomics, FourBlockTrees>.TrySteal(_world.Heap, record, RegionWorld.Class, out var region))
            return Denied;
        var number = _world.NumberOf(region.Start);
        var held = _world.WordOf(number);
        run.Assert(held.IsClaimed && held.Phase == RegionPhase.Dirty && held.InUse == 0, $"a stolen region is {held}");
        Regions<ModelAtomics, FourBlockTrees>.PutBack(region, held);
        return (ulong)number;
    }

    private ulong Resize(Run run, CacheRecord* record, int units, ref Hands hands)
    {
        if (!hands.TryPop(out var region, out var before))
            return Denied;
        if (units < before)
            _world.OnFree(region, units, before);
        var isDone = Regions<ModelAtomics, FourBlockTrees>.TryResize(_world.Heap, record, _world.At(region), (ulong)units * RegionWorld.UnitBytes, out var outcome);
        run.Assert(outcome is Outcome.Ok or Outcome.LimitReached || (Refuses && outcome == Outcome.CommitRefused), $"a resize came to {outcome}");
        run.Assert(Regions<ModelAtomics, FourBlockTrees>.SizeOf(_world.At(region), _world.At(region).Start) == (ulong)(isDone ? units : before) * RegionWorld.UnitBytes, "a region of our own has another size");
        var after = isDone ? units : before;
        _world.OnAlloc(region, Math.Min(before, units), after, RegionWorld.Units);
        CheckLimit(run);
        hands.Push(region, after);
        return isDone ? 0 : Denied;
    }

    /// <summary>I-L1: what whoever was granted pages sees of pages that are there fits the limit.</summary>
    private void CheckLimit(Run run)
    {
        if (Setting.Limit == 0)
            return;
        var pages = _world.PagesSeen();
        run.Assert(pages <= Setting.Limit, $"{pages} units have pages under a limit of {Setting.Limit}");
    }

    private void Figures(Run run)
    {
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        HeapFigures<ModelAtomics, FourBlockTrees>.Read(_world.Heap, classes, out var totals);
        run.Assert(totals.RegionBytes <= totals.RegionTouchedBytes && totals.RegionTouchedBytes <= totals.DataBytes,
            $"{totals.RegionBytes} bytes in use, {totals.RegionTouchedBytes} touched, {totals.DataBytes} committed");
        run.Assert(totals.RegionCount <= (ulong)starts.Length, $"{totals.RegionCount} regions in use");
    }

    /// <summary>Every region below the frontier as this thread sees it is found, from its first byte to its last.</summary>
    private void Locate(Run run)
    {
        for (var region = 0; region < starts.Length; region++)
        {
            if (RegionAreas<ModelAtomics, FourBlockTrees>.TryLocate(_world.Heap, _world.At(region).Start + RegionWorld.RegionBytes - 1, out var found))
                run.Assert(found.Start == _world.At(region).Start, "another region is found");
            else
                run.Assert(starts[region].Committed < 0, "a region that was handed out before is not found");
        }
    }

    private ulong Visit()
    {
        if (!Gate<ModelAtomics>.TryEnter(_gate))
            return Denied;
        var purged = RegionPurge<ModelAtomics, FourBlockTrees>.Tick(_world.Heap, (ulong)Budget << RegionWord.UnitShift);
        Gate<ModelAtomics>.Leave(_gate);
        return purged >> RegionWord.UnitShift;
    }

    private ulong Dispose(Run run)
    {
        if (!Gate<ModelAtomics>.TryClose(_gate))
            return Denied;
        while (!Gate<ModelAtomics>.IsEmpty(_gate))
            run.Memory.SpinHint();
        RegionAreas<ModelAtomics, FourBlockTrees>.ReleaseAll(_world.Heap);
        _world.EndAll();
        Gate<ModelAtomics>.MarkClosed(_gate);
        return 0;
    }

    /// <summary>Regions that a thread has, the newest last.</summary>
    private ref struct Hands(Span<int> regions, Span<int> units)
    {
        private readonly Span<int> _regions = regions;
        private readonly Span<int> _units = units;

        public int Count { get; private set; }

        public readonly int RegionAt(int hand) => _regions[hand];

        public readonly int UnitsAt(int hand) => _units[hand];

        public void Push(int region, int units) => (_regions[Count], _units[Count++]) = (region, units);

        public bool TryPop(out int region, out int units)
        {
            (region, units) = Count == 0 ? (-1, 0) : (_regions[Count - 1], _units[Count - 1]);
            Count -= Count == 0 ? 0 : 1;
            return region >= 0;
        }
    }
}
