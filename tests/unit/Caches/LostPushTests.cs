using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>A full magazine on its way to a recycler that another thread fills first: it is the cache's again, and what it may hold must still stand in it.</summary>
public sealed unsafe class LostPushTests
{
    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_magazine_whose_push_lost_the_last_place_keeps_the_number_of_its_slots(CasWidth width)
    {
        using var allocator = new BitTreeAllocator(new() { CasWidth = width }, Engine.Of<HookedAtomics, ShippedGeometry>());
        var cache = allocator.CreateCache();
        var heap = cache.Record->Heap;
        const int SizeClass = 20;
        CacheRecord hands;
        CacheRecord.InitGuest(&hands, heap);
        var magazines = new List<nint>();
        for (var i = 0; i <= heap->Classes[SizeClass].RecyclerDepth; i++)
            magazines.Add((nint)Magazines<HookedAtomics, ShippedGeometry>.TryTakeEmpty(heap, &hands, SizeClass, out _));
        foreach (var magazine in magazines[2..])
            Assert.True(TryGive(heap, magazine));

        // One place is left. Before the first attempt's compare-exchange another takes it.
        var (other, mine) = (magazines[0], magazines[1]);
        var attempts = 0;
        var given = true;
        HookedAtomics.With(
            site =>
            {
                if (site == Site.StackPush && attempts++ == 0)
                    Assert.True(TryGive(heap, other));
            },
            () => given = TryGive(heap, mine));
        Assert.False(given);
        Assert.Equal(heap->Classes[SizeClass].MagazineSlots, Magazines<HookedAtomics, ShippedGeometry>.SlotsOf((ulong*)mine));

        // None of them holds a slot: they must not be found in the recycler.
        while (Magazines<HookedAtomics, ShippedGeometry>.TryTakeFull(heap, SizeClass) != null)
        {
        }

        cache.Dispose();

        static bool TryGive(Heap* heap, nint magazine) => Magazines<HookedAtomics, ShippedGeometry>.TryGiveFull(heap, SizeClass, (ulong*)magazine);
    }
}
