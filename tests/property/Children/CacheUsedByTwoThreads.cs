namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>Two threads use one cache at once without any order between them, which is an error of the caller. It must be told, and must not end the process.</summary>
internal static unsafe class CacheUsedByTwoThreads
{
    private static ThreadCache s_cache;
    private static int s_told;
    private static string? s_other;

    public static void Run(string[] arguments)
    {
        var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = Enum.Parse<CasWidth>(arguments[0]) });
        s_cache = allocator.CreateCache();
        var until = Environment.TickCount64 + 20_000;
        var threads = new[] { 1, 2 }.Select(seed => new Thread(() => Hammer(allocator, seed, until))).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        if (s_other is { } other)
            throw new InvalidOperationException($"an exception of another type: {other}");
        if (s_told == 0)
            throw new InvalidOperationException("nothing was told in 20 seconds");
    }

    // What is handed out may be handed out twice here: nothing is touched.
    private static void Hammer(BitTreeAllocator allocator, int seed, long until)
    {
        var random = new Random(seed);
        var taken = new nuint[700];
        while (Volatile.Read(ref s_told) == 0 && Environment.TickCount64 < until)
        {
            try
            {
                var size = (nuint)(random.Next(1, 20) * 16);
                var count = random.Next(1, taken.Length);
                for (var i = 0; i < count; i++)
                    taken[i] = (nuint)allocator.Alloc(ref s_cache, size);
                for (var i = 0; i < count; i++)
                    allocator.Free(ref s_cache, (void*)taken[i], size);
            }
            catch (InvalidOperationException told)
            {
                Console.WriteLine(told.Message);
                Interlocked.Increment(ref s_told);
            }
            catch (Exception other)
            {
                s_other = other.ToString();
                Interlocked.Increment(ref s_told);
            }
        }
    }
}
