using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>
/// Threads with whole caches over the shipped slow paths: tops, limits, spares and what lies in magazines are words of the model, slots and pages those of a <see cref="ModelHeap"/>. The hit paths are those of the Api.
/// A program is a word of letters: a alloc, h alloc by the hit path alone, b a slot of another class from the blocks, f free, u use what is in hand; x give the cache back, n take a cache, N an explicit one; r empty record 0 as a reclaimer does, o one magazine of it; p look whether the owner of record 0 is gone,
/// and end its tenure then; k tick; t trim, T trim with the own cache, d all home as a shortage of direct mappings asks for, c trim of caches only; s sweep; q figures.
/// </summary>
internal sealed unsafe class CacheScenario(string name, string claim, CacheStart start, params string[] programs) : Scenario
{
    private const ulong FirstTenure = 4;
    private const ulong DeadOwner = 9;
    private readonly nint[] _handles = new nint[8];
    private BlockWorld _world = null!;

    public override string Name => name;

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public override int StepBound => 400;

    private int Records => start.Owned + start.Free;

    public override void Prepare(ModelMemory memory)
    {
        var owners = new List<int>();
        owners.AddRange(Enumerable.Repeat(BlockStart.Cached, start.Cached));
        for (var thread = 0; thread < start.Hands.Length; thread++)
            owners.AddRange(Enumerable.Repeat(thread + 1, start.Hands[thread]));
        owners.AddRange(Enumerable.Repeat(0, start.Home));
        var blocks = owners.Chunk(BlockWorld.Capacity).Select(slots => BlockStart.Used(slots))
            .Concat(Enumerable.Repeat(BlockStart.Empty, start.Empty)).Concat(Enumerable.Repeat(BlockStart.Unborn, start.Unborn));
        _world = new BlockWorld(memory, [.. blocks]);
        _world.Heap->ClaimIdle = start.Ambient;
        memory.Ignore(&_world.Heap->InUseLine.Value);
        _world.AddRecords(Records, start.Owned, Records, withLimits: true, withTops: true);
        PrepareMagazines(memory);
        for (var number = 0; number < Records; number++)
            PrepareRecord(memory, number);
        if (start.KeepsNone)
            Write(&_world.Heap->States[BlockWorld.SizeClass].Kept, BlockWorld.SlotAt(_world.BlockCount, 0));
        if (start.BudgetSlots != 0)
            PrepareBudget(memory);
    }

    public override void Body(Run run, int thread)
    {
        var hands = stackalloc ulong[8];
        var count = 0;
        _world.Users.Refuses = start.RefusesAll ? page => page != "purge" : start.Refuses ? page => page != "purge" && run.Choose(2) == 1 : null;
        for (int slot = start.Cached + start.Hands.Take(thread).Sum(), end = slot + start.Hands.ElementAtOrDefault(thread); slot < end; slot++)
            hands[count++] = BlockWorld.SlotAt(slot / 2, slot & 1);
        var caller = new CacheCaller(run, _world, start.Ambient, thread, thread < start.Owned && !start.Dead ? _world.RecordAt(thread) : null, _handles) { MayRefuse = start.Refuses || start.MayFail || (start.Unborn == 0 && !start.RefusesAll) };
        foreach (var letter in programs[thread])
        {
            switch (letter)
            {
                case 'a' or 'h':
                    var slot = caller.Alloc(onlyHit: letter == 'h');
                    if (slot != 0)
                        hands[count++] = slot;
                    break;
                case 'b':
                    var other = TakeOfOtherClass();
                    if (other != 0)
                        hands[count++] = other;
                    break;
                case 'f' when count != 0:
                    count -= caller.Free(hands[count - 1]) ? 1 : 0;
                    break;
                case 'u':
                    for (var number = 0; number < count; number++)
                        _world.Users.Write(hands[number], _world.Users.Read(hands[number]));
                    break;
                case 'x':
                    caller.Exit();
                    break;
                case 'n' or 'N':
                    caller.Register(isExplicit: letter == 'N');
                    break;
                case 'T':
                    caller.TrimOwn();
                    break;
                case 'd':
                    caller.FlushForShortage();
                    break;
                default:
                    Stranger(run, letter);
                    break;
            }
        }

        run.Result((ulong)count);
        run.Result(caller.Record == null ? 0 : caller.Record->SeenGeneration);
        run.Result((ulong)caller.Record);
    }

    public override void Check(Run run)
    {
        BlockChecks.AtRest(run, _world);
        var alive = new List<nint>();
        var inHand = 0ul;
        for (var thread = 0; thread < Threads; thread++)
        {
            inHand += run.ResultOf(thread, run.ResultCountOf(thread) - 3);
            alive.Add((nint)run.ResultOf(thread, run.ResultCountOf(thread) - 1));
            CheckGeneration(run, (CacheRecord*)alive[^1], run.ResultOf(thread, run.ResultCountOf(thread) - 2), thread);
        }

        if (start.Dead && ModelAtomics.LoadAcquire(&_world.RecordAt(0)->Claim, Site.None) == FirstTenure)
            alive.Add((nint)_world.RecordAt(0));
        _world.Users.CheckLeaks((int)inHand);
        if (start.BudgetSlots != 0)
            CacheChecks.Grants(run, _world, Records);
        CacheChecks.AtRest(run, _world, Records, alive, (int)inHand);
        if (start.IsEmptied)
            CacheChecks.IsEmpty(run, _world.RecordAt(0));
        if (start.IsRelieved)
            CacheChecks.HasMagazine(run, _world.RecordAt(1));
    }

    /// <summary>INV10: a cache that was there before a trim was emptied, has flushed for it, or will come in at its next free.</summary>
    private void CheckGeneration(Run run, CacheRecord* record, ulong seen, int thread)
    {
        if (record == null || thread >= start.Owned || start.Dead || record != _world.RecordAt(thread) || ModelAtomics.LoadAcquire(&record->Claim, Site.None) != FirstTenure)
            return;
        var generation = ModelAtomics.LoadAcquire(&_world.Heap->GenerationLine.Value, Site.None);
        var limit = ModelAtomics.LoadAcquire(CacheRecord.Limit(record, BlockWorld.SizeClass), Site.None);
        run.Assert(seen == generation || limit == 0, $"INV10: the cache of thread {thread} saw generation {seen} of {generation} and its limit stands at {limit:x}");
    }

    /// <summary>One slot of the other class straight from the blocks, as a cache without a magazine takes it.</summary>
    private ulong TakeOfOtherClass()
    {
        CacheRecord guest;
        CacheRecord.InitGuest(&guest, _world.Heap);
        *CacheRecord.LastBlock(&guest, BlockWorld.OtherClass) = 0;
        ulong slot = 0;
        if (Supply<ModelAtomics, FourBlockTrees>.Take(_world.Heap, &guest, BlockWorld.OtherClass, &slot, 1, out _) == 0)
            return 0;
        _world.Users.OnAlloc(slot);
        return slot;
    }

    /// <summary>What threads do to caches that are not theirs.</summary>
    private void Stranger(Run run, char letter)
    {
        var heap = _world.Heap;
        switch (letter)
        {
            case 'r' or 'o':
                CacheRecord guest;
                CacheRecord.InitGuest(&guest, heap);
                var flushed = 0L;
                if (CacheRegistry<ModelAtomics, FourBlockTrees>.IsOwnedBy(_world.RecordAt(0), heap))
                    Reclaimer<ModelAtomics, FourBlockTrees>.TryEmpty(heap, _world.RecordAt(0), &guest, letter == 'r' ? int.MaxValue : 1, ref flushed);
                CacheRegistry<ModelAtomics, FourBlockTrees>.SettleFigures(&guest);
                break;
            case 'p':
                Probe(run, _world.RecordAt(0));
                break;
            case 'k':
                Decay<ModelAtomics, FourBlockTrees>.Tick(heap, out _, out _);
                break;
            case 't' or 'c':
                Trimmer<ModelAtomics, FourBlockTrees>.Trim(heap, null, letter == 't' ? 2 : 0, out _, out _);
                break;
            case 's':
                Sweeper<ModelAtomics, FourBlockTrees>.Sweep(heap, ulong.MaxValue);
                break;
            case 'q':
                var classes = stackalloc ClassFigures[SizeClasses.Count];
                HeapFigures<ModelAtomics, FourBlockTrees>.Read(heap, classes, out var totals);
                run.Assert(totals.Caches <= Records, "the figures count a cache twice");
                break;
            default:
                break;
        }
    }

    /// <summary>As the Api's search for dead owners.</summary>
    private void Probe(Run run, CacheRecord* record)
    {
        var tenure = CacheClaims<ModelAtomics>.TenureOf(record);
        if (!CacheClaims<ModelAtomics>.IsAmbient(_world.Heap, record, tenure))
            return;

        // The thread's end, which the system tells, orders all it did before this.
        if (ModelAtomics.Read((ulong*)_handles[0], MemoryOrder.Relaxed, Site.None) != DeadOwner || !CacheClaims<ModelAtomics>.TryEndTenure(record, tenure))
            return;
        run.Assert(Reclaimer<ModelAtomics, FourBlockTrees>.End(record) == Outcome.Ok, "the end of a tenure found news");
    }

    /// <summary>In this order: two of each stocked record, those of the recycler, the owned records' own, those on the stack of empty ones.</summary>
    private void PrepareMagazines(ModelMemory memory)
    {
        var own = start.OwnEmpty ? start.Owned : 0;
        var firstOwn = (2 * start.Stocked) + start.Recycled;
        var magazines = _world.AddMagazines(firstOwn + own + start.Magazines, withSlots: true);
        var arena = new NodeArena((ulong)magazines, 6, false);
        for (var number = 0; number < start.Stocked; number++)
        {
            var record = _world.RecordAt(number);
            var loaded = magazines + (number * 16);
            if (start.Loaded >= 0)
            {
                Write((ulong*)CacheRecord.Top(record, BlockWorld.SizeClass), (ulong)Fill(loaded, number * start.PerRecord, start.Loaded));
                Write(CacheRecord.Limit(record, BlockWorld.SizeClass), (ulong)(Magazine.EmptyTop(loaded) + 2));
            }

            if (start.Spare)
                Write(CacheRecord.Spare(record, BlockWorld.SizeClass), (ulong)Fill(loaded + 8, (number * start.PerRecord) + Math.Max(0, start.Loaded), 2));
        }

        if (start.Recycled != 0)
        {
            var full = magazines + (2 * start.Stocked * 8);
            Fill(full, start.Stocked * start.PerRecord, 2);
            NodeStack<ModelAtomics>.TryPush(arena, &_world.Heap->States[BlockWorld.SizeClass].Recycler, full, 1);
        }

        for (var number = 0; number < own; number++)
            _world.RecordAt(number)->SpareEmpty = (ulong)(magazines + ((firstOwn + number) * 8));
        for (var number = firstOwn + own; number < firstOwn + own + start.Magazines; number++)
            NodeStack<ModelAtomics>.TryPush(arena, &_world.Heap->EmptyMagazines.Head, magazines + (number * 8), ulong.MaxValue);
    }

    /// <summary>Every magazine that is not empty has its grant, and the refusal that comes next is one that asks for relief, with the class under test as the recycler's turn.</summary>
    private void PrepareBudget(ModelMemory memory)
    {
        var heap = _world.Heap;
        var slotSize = (ulong)_world.Info->SlotSize;
        heap->CacheBudgetBytes = (ulong)start.BudgetSlots * slotSize;
        memory.Register(&heap->CacheGrantedLine.Value, "granted");
        memory.Register(&heap->CacheRefusalsLine.Value, "refusals");
        memory.Register(&heap->ProbeCursorLine.Value, "record in turn");
        var magazines = (start.Stocked * ((start.Loaded >= 0 ? 1 : 0) + (start.Spare ? 1 : 0))) + start.Recycled;
        Write(&heap->CacheGrantedLine.Value, (ulong)((2 * magazines) + start.AtHand) * slotSize);
        Write(&heap->CacheRefusalsLine.Value, ((BlockWorld.SizeClass - 1) * 64) - 1);
        Write(&_world.RecordAt(0)->Grant, (ulong)start.AtHand * slotSize);
    }

    private void PrepareRecord(ModelMemory memory, int number)
    {
        var record = _world.RecordAt(number);
        for (var thread = 0; thread < Threads; thread++)
            memory.Private(thread, record, sizeof(CacheRecord));

        Write(&record->Claim, FirstTenure);
        _handles[number] = (nint)memory.Words($"record{number}.handle");
        if (number < start.Owned)
        {
            Write(&record->IsAmbient, start.Ambient ? 1u : 0);
            Write(&record->Active, start.Used ? CacheClaims<ModelAtomics>.Used : CacheClaims<ModelAtomics>.Outside);
            Write((ulong*)_handles[number], start.Dead ? DeadOwner : (ulong)number + 1);
            return;
        }

        NodeStack<ModelAtomics>.TryPush(new NodeArena((ulong)_world.Heap->Pool->Arena.Base, 12, false), &_world.Heap->FreeRecords.Head, (ulong*)record, ulong.MaxValue);
    }

    private static ulong* Fill(ulong* magazine, int first, int slots)
    {
        Write(magazine, 2);
        var top = Magazine.EmptyTop(magazine);
        for (var slot = first; slot < first + slots; slot++)
            Write(++top, BlockWorld.SlotAt(slot / 2, slot & 1));
        return top;
    }

    private static void Write(ulong* word, ulong value) => ModelAtomics.Write(word, value, MemoryOrder.Relaxed, Site.None);
}
