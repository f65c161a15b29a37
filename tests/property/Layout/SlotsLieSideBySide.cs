namespace BitTreeAlloc.Tests.Property.Layout;

/// <summary>No header per object: neighbours of a class differ by exactly the class size.</summary>
public sealed unsafe class SlotsLieSideBySide
{
    [Fact]
    public void Neighbours_of_a_class_differ_by_exactly_the_class_size()
    {
        using var allocator = new BitTreeAllocator();
        using var cache = allocator.CreateCache();
        var own = cache;
        foreach (var size in allocator.GetStatistics().Classes.Select(one => (nuint)one.SlotSize))
        {
            var slots = new nuint[Math.Max(16, (3 * 65536 / (int)size) + 1)];
            for (var i = 0; i < slots.Length; i++)
                slots[i] = (nuint)allocator.Alloc(ref own, size);
            Array.Sort(slots);
            var exact = 0;
            for (var i = 1; i < slots.Length; i++)
            {
                var gap = slots[i] - slots[i - 1];
                Assert.True(gap >= size, $"class {size}: neighbours {gap} bytes apart");
                exact += gap == size ? 1 : 0;

                // Small blocks of 8 to 16 KiB are allowed for the smallest classes: only inside one is every distance a multiple.
                if (slots[i] / 8192 == slots[i - 1] / 8192 && gap % size != 0)
                    Assert.Fail($"class {size}: two slots of one block lie {gap} bytes apart");
            }

            if (size <= 8192)
                Assert.True(exact * 10 >= slots.Length * 8, $"class {size}: only {exact} of {slots.Length - 1} neighbours lie side by side");
            foreach (var slot in slots)
                allocator.Free(ref own, (void*)slot, size);
        }
    }

    [Fact]
    public void Every_usable_byte_can_be_written_without_harm_to_the_neighbours_or_the_allocator()
    {
        using var allocator = new BitTreeAllocator();
        using var cache = allocator.CreateCache();
        var own = cache;
        foreach (var size in allocator.GetStatistics().Classes.Select(one => (nuint)one.SlotSize))
        {
            var slots = new nuint[20];
            for (var i = 0; i < slots.Length; i++)
            {
                slots[i] = (nuint)allocator.Alloc(ref own, size - 1);
                new Span<byte>((void*)slots[i], (int)allocator.UsableSize((void*)slots[i])).Fill((byte)(i + 1));
            }

            for (var i = 0; i < slots.Length; i++)
            {
                Assert.Equal(-1, new Span<byte>((void*)slots[i], (int)size).IndexOfAnyExcept((byte)(i + 1)));
                allocator.Free(ref own, (void*)slots[i], size - 1);
                new Span<byte>((void*)slots[i], 1).Fill(0xFF); // a write after free is the caller's error; it must not reach the allocator
            }
        }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }
}
