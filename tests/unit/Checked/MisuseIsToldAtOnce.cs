using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Checked;

/// <summary>At the checked level: each misuse, by each call that can commit it, is told by that call with the block's figures, and changes nothing.</summary>
public sealed unsafe class MisuseIsToldAtOnce
{
    private delegate void Call(LiveSet live, byte* pointer);

    private static readonly (string Name, Call Free)[] s_frees =
    [
        ("sized", (live, p) => live.Allocator.Free(ref live.Cache, p, 100)),
        ("unsized", (live, p) => live.Allocator.Free(ref live.Cache, p)),
        ("aligned", (live, p) => live.Allocator.FreeAligned(ref live.Cache, p, 100, 8)),
        ("realloc", (live, p) => live.Allocator.Realloc(ref live.Cache, p, 5000)),
        ("realloc in place", (live, p) => live.Allocator.Realloc(ref live.Cache, p, 101)),
        ("realloc aligned", (live, p) => live.Allocator.ReallocAligned(ref live.Cache, p, 5000, 64)),
        ("ambient sized", (live, p) => live.Allocator.Free(p, 100)),
        ("ambient unsized", (live, p) => live.Allocator.Free(p)),
        ("ambient realloc", (live, p) => live.Allocator.Realloc(p, 5000)),
    ];

    public static TheoryData<string> Frees => [.. s_frees.Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Frees))]
    public void A_double_free_names_slot_class_and_block(string name)
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        var slot = Free(live, 7);
        var error = Told(live, name, slot, AllocError.DoubleFree);
        Contains(error, $"0x{(nint)slot:x}", "class 13, 104 bytes", "is free", $"0x{(nint)slot & ~0xFFFF:x}", "phase InUse", "630 slots", "0 free and home", "Nothing was taken in");
        Assert.Contains($"Slot {((nint)slot & 0xFFFF) / 104} at", error.Message, StringComparison.Ordinal);
        StaysRight(live);
    }

    [Theory]
    [MemberData(nameof(Frees))]
    public void A_double_free_after_the_slot_went_home_is_told_too(string name)
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        var slot = Free(live, 7);
        live.Cache.Park();
        Contains(Told(live, name, slot, AllocError.DoubleFree), "cursor", "free and home");
        live.Allocator.Trim();
        Told(live, name, slot, AllocError.DoubleFree);
        StaysRight(live);
    }

    [Theory]
    [MemberData(nameof(Frees))]
    public void An_interior_pointer_names_the_slot_it_lies_in_and_whether_that_is_live(string name)
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        var inside = (byte*)live.Live[3].Address;
        var freed = Free(live, 7);
        foreach (var offset in new[] { 1, 7, 8, 16, 24, 32, 103 })
        {
            Contains(Told(live, name, inside + offset, AllocError.InvalidPointer), $"lies {offset} bytes inside slot", $"0x{(nint)inside:x} (class 13, 104 bytes), which is live");
            Contains(Told(live, name, freed + offset, AllocError.InvalidPointer), $"lies {offset} bytes inside slot", $"0x{(nint)freed:x} (class 13, 104 bytes), which is free");
        }

        StaysRight(live);
    }

    [Theory]
    [MemberData(nameof(Frees))]
    public void What_never_was_a_slot_is_told_for_what_it_is(string name)
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        using var other = Checked();
        other.AllocMany(1, 100);
        var block = live.Live[3].Address & ~0xFFFF;
        var local = 0L;
        Contains(Told(live, name, (byte*)(block + (104 * 629)), AllocError.InvalidPointer), "above what the block has handed out", "slot 629");
        Contains(Told(live, name, (byte*)(block + 65_528), AllocError.InvalidPointer), "above what the block has handed out");
        Contains(Told(live, name, (byte*)(live.Cache.Record->Base + (5ul << 30)), AllocError.InvalidPointer), "no block");
        Contains(Told(live, name, (byte*)other.Live[0].Address, AllocError.InvalidPointer), "no block");
        Contains(Told(live, name, (byte*)&local, AllocError.InvalidPointer), "no block");
        Told(live, name, (byte*)8, AllocError.InvalidPointer);
        Told(live, name, (byte*)-8, AllocError.InvalidPointer);
        StaysRight(live);
    }

    [Fact]
    public void A_pointer_into_a_block_that_went_back_is_told_with_the_blocks_phase()
    {
        using var live = Checked();
        live.AllocMany(2000, 100);
        var address = (byte*)live.Live[0].Address;
        live.FreeAll();
        live.Cache.Park();
        live.Allocator.Trim(ref live.Cache);
        Assert.False(live.Allocator.TryFree(ref live.Cache, address, out var error));
        Assert.True(error is AllocError.InvalidPointer or AllocError.DoubleFree, error.ToString());
        StaysRight(live);
    }

    [Theory]
    [InlineData(96, "97 to 104", "class 12")]
    [InlineData(105, "97 to 104", "class 14")]
    [InlineData(0, "97 to 104", "class 1.")]
    [InlineData(9000, "97 to 104", "class 65")]
    [InlineData(70_000, "97 to 104", "class 77")]
    [InlineData(3_000_000, "97 to 104", "a mapping of their own")]
    public void A_wrong_size_names_what_was_passed_and_what_is_legal(int wrong, string legal, string other)
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        var slot = (byte*)live.Live[7].Address;
        var error = Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, slot, (nuint)wrong));
        Assert.Equal(AllocError.WrongSize, error.Error);
        Contains(error, $"0x{(nint)slot:x}, {wrong} bytes", legal, other, "class 13, 104 bytes", "phase InUse");
        Assert.Equal(AllocError.WrongSize, Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(slot, (nuint)wrong)).Error);
        live.Allocator.Free(ref live.Cache, slot, 97);
        Told(live, "unsized", slot, AllocError.DoubleFree);
        Forget(live, 7);
        StaysRight(live);
    }

    [Fact]
    public void Every_size_of_every_class_is_legal_for_its_own_slot_and_for_no_other()
    {
        foreach (var alignment in new[] { 8, 16 })
        {
            using var allocator = new BitTreeAllocator(new() { Level = Level.Checked, MinimumAlignment = alignment });
            using var cache = allocator.CreateCache();
            var own = cache;
            for (var size = 0; size <= 66_000; size += size < 1100 ? 1 : 97)
            {
                allocator.Free(ref own, allocator.Alloc(ref own, (nuint)size), (nuint)size);
                var p = allocator.Alloc(ref own, (nuint)size);
                var next = (nuint)allocator.UsableSize(p) + 1;
                Assert.Throws<AllocatorMisuseException>(() => allocator.Free(ref own, p, next));
                allocator.Free(ref own, p);
            }
        }
    }

    [Theory]
    [InlineData(100_000, "65537 to 114688", "class 79, 114688 bytes", 1 << 20)]
    [InlineData(1_000_000, "458753 to 1048576", "class 92, 1048576 bytes", 4 << 20)]
    public void Medium_slots_are_told_as_small_ones(int size, string legal, string slot, int block)
    {
        using var live = Checked();
        live.AllocMany(4, size);
        var p = (byte*)live.Live[1].Address;
        Contains(Told(live, "sized", p, AllocError.WrongSize), legal, slot, "phase InUse");
        Contains(Told(live, "unsized", p + 16, AllocError.InvalidPointer), "lies 16 bytes inside slot", slot, "which is live");
        Contains(Told(live, "unsized", p + (16 << 10), AllocError.InvalidPointer), "lies 16384 bytes inside slot", slot, "which is live");
        p = Free(live, 1);
        foreach (var name in s_frees.Select(one => one.Name))
            Contains(Told(live, name, p, AllocError.DoubleFree), slot, "is free", $"The block of {block} bytes");
        live.Allocator.Free(ref live.Cache, (void*)live.Live[0].Address);
        Forget(live, 0);
        live.FreeAll();
        StaysRight(live);
    }

    [Fact]
    public void Regions_are_told_as_well()
    {
        using var live = Checked();
        var p = (byte*)live.Allocator.Alloc(ref live.Cache, 5_000_000);
        var tight = (byte*)live.Allocator.AllocAligned(ref live.Cache, 100, 4 << 20);
        Contains(Told(live, "unsized", p + 4096, AllocError.InvalidPointer), "4096 bytes inside the live mapping of 6291456 bytes", $"0x{(nint)p:x}");
        Contains(Told(live, "sized", p, AllocError.WrongSize), "A mapping of 6291456 bytes", "4194305 to 6291456 bytes are legal");
        Contains(Told(live, "sized", tight, AllocError.WrongSize), "FreeAligned");
        live.Allocator.FreeAligned(ref live.Cache, tight, 100, 4 << 20);
        p = (byte*)live.Allocator.Realloc(ref live.Cache, p, 3_000_000);
        live.Allocator.Free(ref live.Cache, p, 3_000_000);
        foreach (var name in s_frees.Select(one => one.Name))
        {
            Told(live, name, p, AllocError.DoubleFree);
            Told(live, name, p + 4096, AllocError.InvalidPointer);
        }

        live.Allocator.Trim();
        Told(live, "unsized", p, AllocError.DoubleFree);
        Assert.Equal((0, (nuint)0), (live.Figures.RegionCount, live.Figures.RegionBytes));
        StaysRight(live);
    }

    [Fact]
    public void Mappings_are_told_as_well()
    {
        using var live = Checked();
        var gib = (nuint)1 << 30;
        var p = (byte*)live.Allocator.Alloc(ref live.Cache, 80 * gib);
        Contains(Told(live, "unsized", p + 4096, AllocError.InvalidPointer), "4096 bytes inside the live mapping of 85899345920 bytes", $"0x{(nint)p:x}");
        Contains(Told(live, "sized", p, AllocError.WrongSize), "A mapping of 85899345920 bytes", "42949672961 to 85899345920 bytes are legal");
        p = (byte*)live.Allocator.Realloc(ref live.Cache, p, 70 * gib);
        live.Allocator.Free(ref live.Cache, p, 70 * gib);
        foreach (var name in s_frees.Select(one => one.Name))
            Contains(Told(live, name, p, AllocError.InvalidPointer), "no live mapping");
        Assert.Equal((nuint)0, live.Figures.DirectBytes);
        StaysRight(live);
    }

    [Fact]
    public void UsableSize_of_what_is_not_live_is_0()
    {
        using var live = Checked();
        live.AllocMany(20, 100);
        var slot = Free(live, 7);
        Assert.Equal((nuint)0, live.Allocator.UsableSize(slot));
        Assert.Equal((nuint)0, live.Allocator.UsableSize((void*)(live.Live[3].Address + 8)));
        Assert.Equal((nuint)104, live.Allocator.UsableSize((void*)live.Live[3].Address));
    }

    [Fact]
    public void What_another_thread_allocated_is_judged_alike()
    {
        using var live = Checked();
        var slots = new nint[500];
        Threads.Run(1, _ =>
        {
            var cache = live.Allocator.CreateCache();
            for (var i = 0; i < slots.Length; i++)
                slots[i] = (nint)live.Allocator.Alloc(ref cache, (nuint)(i + 1));
            cache.Dispose();
        });
        for (var i = 0; i < slots.Length; i++)
        {
            var p = (byte*)slots[i];
            var size = (nuint)(i + 1);
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, p, size + 70));
            live.Allocator.Free(ref live.Cache, p, size);
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, p, size));
        }

        StaysRight(live);
    }

    [Fact]
    public void A_cache_of_another_allocator_is_told_on_a_hit_too()
    {
        using var live = Checked();
        using var other = Checked();
        live.AllocMany(20, 100);
        live.FreeWhere(i => i % 2 == 0);
        var own = live.Live[0].Address;
        Assert.Equal(AllocError.ForeignCache, Assert.Throws<AllocatorMisuseException>(() => other.Allocator.Alloc(ref live.Cache, 100)).Error);
        Assert.Equal(AllocError.ForeignCache, Assert.Throws<AllocatorMisuseException>(() => other.Allocator.Free(ref live.Cache, (void*)own, 100)).Error);
        Assert.Equal(AllocError.ForeignCache, Assert.Throws<AllocatorMisuseException>(() => other.Allocator.Free(ref live.Cache, (void*)own)).Error);
        Assert.False(other.Allocator.TryRealloc(ref live.Cache, (void*)own, 7, out _, out var error));
        Assert.Equal(AllocError.ForeignCache, error);
        StaysRight(live);
        StaysRight(other);
    }

    [Fact]
    public void A_disposed_allocator_is_told_on_a_hit_too()
    {
        var live = Checked();
        live.AllocMany(20, 100);
        live.FreeAll();
        live.Allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => live.Allocator.Alloc(ref live.Cache, 100));
        Assert.Throws<ObjectDisposedException>(() => live.Allocator.Free(ref live.Cache, (void*)4096, 100));
        Assert.Throws<ObjectDisposedException>(() => live.Allocator.Free(ref live.Cache, (void*)4096));
        live.Cache.Dispose();
    }

    internal static LiveSet Checked() => new(new() { Level = Level.Checked });

    /// <summary>After a misuse: a random program with contents verified, no news at the flush, and nothing left over.</summary>
    internal static void StaysRight(LiveSet live) => Seeded.Run(1, random =>
    {
        for (var step = 0; step < 3000; step++)
        {
            live.Alloc(random.Next(4) == 0 ? random.Next(1, 3000) : random.Next(1, 200));
            if (live.Count > 400)
                live.FreeWhere(_ => random.Next(3) > 0, sized: random.Next(2) == 0);
        }

        Assert.Equal(live.Count, live.Live.Select(one => one.Address).Distinct().Count());
        live.FreeAll();
        live.Cache.Park();
        live.Allocator.Trim();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    });

    private static AllocatorMisuseException Told(LiveSet live, string name, byte* pointer, AllocError expected)
    {
        var before = live.Figures;
        var error = Assert.Throws<AllocatorMisuseException>(() => s_frees.Single(one => one.Name == name).Free(live, pointer));
        Assert.Equal(expected, error.Error);
        Assert.Equal(before.LiveBytes, live.Figures.LiveBytes);
        if (expected == AllocError.WrongSize)
            return error;
        Assert.False(live.Allocator.TryFree(ref live.Cache, pointer, out var reason));
        Assert.Equal(expected, reason);
        Assert.False(live.Allocator.TryFree(pointer, out reason));
        Assert.Equal(expected, reason);
        Assert.False(live.Allocator.TryRealloc(ref live.Cache, pointer, 9, out var moved, out reason));
        Assert.Equal(expected, reason);
        Assert.True(moved == null);
        return error;
    }

    private static void Contains(Exception error, params string[] parts) => Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));

    private static byte* Free(LiveSet live, int index)
    {
        var address = live.Live[index].Address;
        live.FreeWhere(i => i == index);
        return (byte*)address;
    }

    private static void Forget(LiveSet live, int index)
    {
        var rest = live.Live.Where((_, i) => i != index).ToArray();
        live.FreeWhereForgotten();
        foreach (var (address, size, _) in rest)
            live.Adopt((byte*)address, size);
    }
}
