using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>One thread's calls on its own cache, as the Api makes them: the hit paths of the class under test, and what they do when the cache is claimed or has nothing.</summary>
internal sealed unsafe class CacheCaller(Run run, BlockWorld world, bool ambient, int thread, CacheRecord* record, nint[] handles)
{
    private const int SizeClass = BlockWorld.SizeClass;
    private readonly bool _ambientAllowed = ambient;
    private bool _isAmbient = ambient;
    private ulong _tenure = record == null ? 0 : 4ul;

    /// <summary>The thread's record, or null.</summary>
    public CacheRecord* Record { get; private set; } = record;

    /// <summary>An allocation may find nothing: the system refuses, or all there is may be on its way between others.</summary>
    public bool MayRefuse { get; init; }

    /// <summary>A slot, or 0. <paramref name="onlyHit"/>: nothing where the loaded magazine has none.</summary>
    public ulong Alloc(bool onlyHit = false)
    {
        if (!Enter())
            return 0;
        var top = CacheTops<ModelAtomics, FourBlockTrees>.Load(Record, SizeClass);
        var slot = ModelAtomics.ReadPlain(top, Site.MagazineRead);
        if (slot != 0)
        {
            CacheTops<ModelAtomics, FourBlockTrees>.Store(Record, SizeClass, top - 1);
        }
        else if (!onlyHit)
        {
            slot = CacheSlowPath<ModelAtomics, FourBlockTrees>.Alloc(Record, SizeClass, out var outcome);
            run.Assert(slot != 0 || MayRefuse, $"an allocation came to {outcome}");
        }

        Leave();
        if (slot != 0)
            world.Users.OnAlloc(slot);
        return slot;
    }

    /// <summary>False where no cache is to be had: the slot stays with the user.</summary>
    public bool Free(ulong slot)
    {
        if (Record == null)
            Register();
        if (Record == null)
            return false;
        world.Users.OnFree(slot);
        if (!Enter())
            run.Fail(ModelErrorKind.Leak, "a cache was handed over, and no other is to be had");
        var top = CacheTops<ModelAtomics, FourBlockTrees>.Load(Record, SizeClass);

        // The limit is read plainly on hardware, and set by others: no order is relied on.
        if ((ulong)top < ModelAtomics.Read(CacheRecord.Limit(Record, SizeClass), MemoryOrder.Relaxed, Site.None))
        {
            run.Assert(top != CacheRecord.EmptyTop(Record) && Magazine.CountTo<FourBlockTrees>(top) < 2, "the hit path pushes where there is no room");
            ModelAtomics.WritePlain(++top, slot, Site.MagazineWrite);
            CacheTops<ModelAtomics, FourBlockTrees>.Store(Record, SizeClass, top);
        }
        else
        {
            var outcome = CacheSlowPath<ModelAtomics, FourBlockTrees>.Free(Record, SizeClass, slot);
            run.Assert(outcome == Outcome.Ok, $"a free came to {outcome}");
        }

        Leave();
        return true;
    }

    /// <summary>Gives the cache back: DetachThread, or the end of an explicit cache.</summary>
    public void Exit()
    {
        if (Record == null)
            return;
        if (_isAmbient)
        {
            if (CacheClaims<ModelAtomics>.TryEndTenure(Record, _tenure))
                Ended(Reclaimer<ModelAtomics, FourBlockTrees>.End(Record));
        }
        else
        {
            run.Assert(CacheRegistry<ModelAtomics, FourBlockTrees>.TryLeave(Record), "the only owner could not leave");
            Ended(CacheSlowPath<ModelAtomics, FourBlockTrees>.FlushAll(Record, out _));
            CacheRegistry<ModelAtomics, FourBlockTrees>.Release(Record);
        }

        Record = null;
    }

    /// <summary>Takes a cache, ambient or explicit.</summary>
    public void Register(bool isExplicit = false)
    {
        _isAmbient = _ambientAllowed && !isExplicit;
        Record = CacheRegistry<ModelAtomics, FourBlockTrees>.TryRegister(world.Heap, 1, out var outcome);
        if (Record == null)
        {
            run.Assert(outcome == Outcome.AddressSpaceExhausted, $"no record: {outcome}");
            return;
        }

        var number = (int)(((ulong)Record - (ulong)world.Heap->Pool->Arena.Base) / CacheRecord.Stride);
        ModelAtomics.Write((ulong*)handles[number], (ulong)thread + 1, MemoryOrder.Relaxed, Site.None);
        _tenure = CacheClaims<ModelAtomics>.TenureOf(Record);
        if (_isAmbient)
            CacheClaims<ModelAtomics>.BeginAmbient(Record);
    }

    /// <summary>A trim with the caller's own cache, where it is not claimed.</summary>
    public void TrimOwn()
    {
        var own = Record != null && (!_isAmbient || CacheClaims<ModelAtomics>.TryEnter(Record)) ? Record : null;
        Ended(Trimmer<ModelAtomics, FourBlockTrees>.Trim(world.Heap, own, 2, out _, out _));
        if (Record != null)
            Leave();
    }

    /// <summary>What a direct mapping does with the caller's cache where the system has nothing for it.</summary>
    public void FlushForShortage()
    {
        if (!Enter())
            return;
        run.Assert(CacheSlowPath<ModelAtomics, FourBlockTrees>.TryFlushForShortage(Record), "a cache of one thread is misused");
        Leave();
    }

    private void Ended(Outcome outcome) => run.Assert(outcome == Outcome.Ok, $"it came to {outcome}");

    private bool Enter()
    {
        for (; ; )
        {
            if (Record == null)
                Register();
            if (Record == null)
                return false;
            if (!_isAmbient || CacheClaims<ModelAtomics>.TryEnter(Record))
                return true;
            if (CacheClaims<ModelAtomics>.TryHandOver(Record))
                Record = null;
        }
    }

    private void Leave()
    {
        if (_isAmbient)
            CacheClaims<ModelAtomics>.Leave(Record);
    }
}
