using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>
/// The ambient form of a user: each call says that it is inside and looks for a claim, as the Api's ambient calls do, and a claimed cache is left to its claimer. The Api's own are bare instructions;
/// these are the same functions on hooked atomics.
/// </summary>
internal sealed unsafe partial class Mutator
{
    private readonly bool _isAmbient;
    private ulong _tenure;

    private Mutator(Mutator user)
    {
        Allocator = user.Allocator;
        World = user.World;
        Heap = user.Heap;
        _isAmbient = true;
    }

    /// <summary>The same thread's calls without a cache; null for those themselves.</summary>
    public Mutator? Ambient { get; }

    /// <summary>The ambient calls of another thread of the world.</summary>
    public Mutator NewAmbient() => new(this);

    /// <summary>DetachThread: the cache goes back. A claimer that has it, or finds it handed over, gives it back instead.</summary>
    public void End()
    {
        var record = Cache.Record;
        Cache.Record = null;
        if (record != null)
            EndTenure(record, _tenure);
    }

    /// <summary>The thread is gone, and with it whoever held its pieces.</summary>
    public void Die()
    {
        World!.Dead.Add(((nint)Cache.Record, _tenure));
        Cache.Record = null;
    }

    /// <summary>What a new ambient cache does first: the next records in turn, are their owners dead?</summary>
    public void Adopt(int probes)
    {
        for (; probes > 0; probes--)
        {
            var record = Heap->Engine.NextInTurn(Heap);
            if (record == null)
                return;
            var tenure = CacheClaims<HookedAtomics>.TenureOf(record);
            if (CacheClaims<HookedAtomics>.IsAmbient(Heap, record, tenure) && World!.Dead.Contains(((nint)record, tenure)))
                EndTenure(record, tenure);
        }
    }

    private void EndTenure(CacheRecord* record, ulong tenure)
    {
        if (CacheClaims<HookedAtomics>.TryEndTenure(record, tenure))
            Assert.Equal(Outcome.Ok, Heap->Engine.EndTenured(record));
    }

    private void Enter()
    {
        while (_isAmbient)
        {
            if (Cache.Record == null)
            {
                var record = Heap->Engine.Register(Heap, Allocator.Serial, out var outcome);
                Assert.Equal(Outcome.Ok, outcome);
                _tenure = CacheClaims<HookedAtomics>.TenureOf(record);
                CacheClaims<HookedAtomics>.BeginAmbient(record);
                Cache.Record = record;
            }

            if (CacheClaims<HookedAtomics>.TryEnter(Cache.Record))
                return;
            if (CacheClaims<HookedAtomics>.TryHandOver(Cache.Record))
                Cache.Record = null;
        }
    }

    private void Leave()
    {
        if (_isAmbient)
            CacheClaims<HookedAtomics>.Leave(Cache.Record);
    }
}
