using BitTreeAlloc;

unsafe
{
    using var allocator = new BitTreeAllocator();

    // With a cache of your own, passed by reference: the fastest form. One thread at a time.
    var cache = allocator.CreateCache();
    var numbers = (int*)allocator.Alloc(ref cache, 100 * sizeof(int));
    new Span<int>(numbers, 100).Fill(7);
    Console.WriteLine($"100 numbers in {allocator.UsableSize(numbers)} usable bytes, the last is {numbers[99]}");
    allocator.Free(ref cache, numbers, 100 * sizeof(int));
    cache.Dispose();

    // Without one: each thread has a cache of its own behind these calls.
    var text = (byte*)allocator.AllocZeroed(1000);
    text = (byte*)allocator.Realloc(text, 5000);
    Console.WriteLine($"1000 zeros moved to {allocator.UsableSize(text)} usable bytes, the first is {text[0]}");
    allocator.Free(text);

    Console.WriteLine($"after Trim: {allocator.Trim().PurgedBytes} bytes went back, {allocator.GetStatistics().LiveBytes} are live");
}
