using System.Collections.Concurrent;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>
/// Threads in a ring (FEATURES C6, G3): each makes a batch, hands it to the next, receives one, and frees it in shuffled order after a check of every byte. Some hold pieces back and pass them on a
/// later round, so that a piece dies several threads from where it was made. Threads end while their memory is still under way.
/// </summary>
public sealed class ShuffledRing(ITestOutputHelper output)
{
    private const int Batch = 400;

    [Theory]
    [InlineData(CasWidth.Eight, 2, 1)]
    [InlineData(CasWidth.Sixteen, 4, 1)]
    [InlineData(CasWidth.Eight, 4, 12)]
    [InlineData(CasWidth.Sixteen, 3, 12)]
    public void Every_piece_arrives_as_it_was_written_and_all_go_home(CasWidth casWidth, int threads, int livesPerThread)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var seed = Knobs.StressSeed();
        output.WriteLine($"BITTREE_SEED={seed}");
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth });
        var rounds = Math.Max(livesPerThread, 24 * Knobs.StressSeconds);
        var edges = Enumerable.Range(0, threads).Select(_ => new BlockingCollection<Piece[]>()).ToArray();
        var failures = new ConcurrentQueue<string>();
        var places = Enumerable.Range(0, threads).Select(place => new Thread(() =>
        {
            // One life after the other at the same place of the ring.
            for (var life = 0; life < livesPerThread; life++)
            {
                var random = new Random(seed + (place * 1000) + life);
                var thread = new Thread(() => Live(allocator, edges[place], edges[(place + 1) % threads], random, rounds / livesPerThread, failures));
                thread.Start();
                thread.Join();
            }
        })).ToArray();
        foreach (var place in places)
            place.Start();
        foreach (var place in places)
            place.Join();
        Assert.Empty(failures);
        Assert.All(edges, edge => Assert.Empty(edge));
        var figures = allocator.GetStatistics();
        Assert.Equal((nuint)0, figures.LiveBytes);
        Assert.All(figures.Classes, one => Assert.Equal(0, one.LiveSlots));
    }

    [Fact]
    public unsafe void A_piece_that_somebody_else_wrote_to_is_told()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var piece = Make(allocator, ref cache, new Random(1));
        ((byte*)piece.Address)[piece.Size / 2] ^= 1;
        Assert.NotNull(Wrong(piece));
        allocator.Free(ref cache, (void*)piece.Address);
        cache.Dispose();
    }

    private static unsafe void Live(BitTreeAllocator allocator, BlockingCollection<Piece[]> from, BlockingCollection<Piece[]> to, Random random, int rounds, ConcurrentQueue<string> failures)
    {
        var cache = default(ThreadCache);
        var ambient = random.Next(2) == 0;
        var held = new List<Piece>();
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                // What was held back travels on; each round hands exactly one batch over.
                var batch = held.Concat(Enumerable.Range(0, Batch).Select(_ => ambient ? MakeAmbient(allocator, random) : Make(allocator, ref cache, random))).ToArray();
                held.Clear();
                random.Shuffle(batch);
                to.Add(batch);
                var received = from.Take();
                random.Shuffle(received);
                foreach (var piece in received)
                {
                    if (Wrong(piece) is { } wrong)
                        failures.Enqueue(wrong);
                    if (round < rounds - 1 && random.Next(8) == 0)
                        held.Add(piece);
                    else if (ambient)
                        allocator.Free((void*)piece.Address, piece.Size);
                    else if (random.Next(2) == 0)
                        allocator.Free(ref cache, (void*)piece.Address);
                    else
                        allocator.Free(ref cache, (void*)piece.Address, piece.Size);
                }
            }
        }
        catch (Exception e)
        {
            failures.Enqueue(e.ToString());
        }

        // Some end without giving their cache back.
        if (random.Next(3) > 0)
            cache.Dispose();
    }

    private static unsafe Piece MakeAmbient(BitTreeAllocator allocator, Random random)
    {
        var size = Size(random);
        return Written((nuint)allocator.Alloc(size), size, random);
    }

    private static unsafe Piece Make(BitTreeAllocator allocator, ref ThreadCache cache, Random random)
    {
        var size = Size(random);
        return Written((nuint)allocator.Alloc(ref cache, size), size, random);
    }

    private static nuint Size(Random random) => (nuint)(random.Next(20) == 0 ? random.Next(1, 70_000) : random.Next(1, 600));

    private static Piece Written(nuint address, nuint size, Random random)
    {
        var seed = (ulong)random.NextInt64();
        Content.Fill(address, size, seed);
        return new Piece(address, size, seed);
    }

    private static string? Wrong(Piece piece) =>
        Content.FirstDifference(piece.Address, piece.Size, piece.Seed, piece.Size) is >= 0 and var at ? $"{piece.Size} bytes at {piece.Address:x}: wrong at offset {at}" : null;

    private readonly record struct Piece(nuint Address, nuint Size, ulong Seed);
}
