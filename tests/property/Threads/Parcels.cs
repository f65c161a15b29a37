using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>Live blocks on their way between threads. Whoever receives one checks every byte that the sender wrote, and frees, resizes or sends it on.</summary>
internal sealed unsafe class Parcels(BitTreeAllocator allocator, int boxes)
{
    private readonly Parcel?[] _boxes = new Parcel?[boxes];
    private string? _failure;
    private long _exchanged;

    public string? Failure => Volatile.Read(ref _failure);

    public long Exchanged => Interlocked.Read(ref _exchanged);

    /// <summary>Runs a number of exchanges with one cache.</summary>
    public void Work(ref ThreadCache cache, Random random, int steps)
    {
        try
        {
            for (var i = 0; i < steps && Failure is null; i++)
            {
                var parcel = random.Next(10) == 0 ? null : Make(ref cache, random);
                Receive(ref cache, random, Interlocked.Exchange(ref _boxes[random.Next(_boxes.Length)], parcel));
                if (random.Next(700) == 0)
                    cache.Park();
                else if (random.Next(3000) == 0)
                    allocator.Trim(ref cache);
            }
        }
        catch (Exception thrown)
        {
            Fail(thrown.ToString());
        }
    }

    /// <summary>Takes back everything that is still under way.</summary>
    public void Drain(ref ThreadCache cache)
    {
        for (var i = 0; i < _boxes.Length; i++)
            if (Interlocked.Exchange(ref _boxes[i], null) is { } parcel)
            {
                Check(parcel, parcel.Size, "at the end");
                allocator.Free(ref cache, (void*)parcel.Address, parcel.Size);
            }
    }

    private static nuint RandomSize(Random random) => random.Next(100) switch
    {
        < 60 => (nuint)random.Next(0, 257),
        < 85 => (nuint)Math.Max(0, Sizes.Classes[random.Next(Sizes.Classes.Length / 2)] + random.Next(-1, 2)),
        < 97 => (nuint)random.Next(0, 9000),
        < 99 => (nuint)random.Next(9000, 65537),
        _ => (nuint)random.Next(65537, 300_000),
    };

    private Parcel Make(ref ThreadCache cache, Random random)
    {
        var size = RandomSize(random);
        var seed = (ulong)random.NextInt64();
        var zeroed = random.Next(8) == 0;
        var address = (nuint)(zeroed ? allocator.AllocZeroed(ref cache, size) : allocator.Alloc(ref cache, size));
        if (zeroed && Content.FirstNonZero(address, size) is >= 0 and var at)
            Fail($"zeroed memory of {size} bytes has a byte that is not zero at offset {at}");
        Content.Fill(address, size, seed);
        return new Parcel(address, size, seed);
    }

    private void Receive(ref ThreadCache cache, Random random, Parcel? parcel)
    {
        if (parcel is null)
            return;
        Interlocked.Increment(ref _exchanged);
        Check(parcel, parcel.Size, "on arrival");
        var (address, size) = (parcel.Address, parcel.Size);
        if (random.Next(6) == 0)
        {
            size = RandomSize(random);
            address = (nuint)allocator.Realloc(ref cache, (void*)address, size);
            Check(parcel with { Address = address }, Math.Min(size, parcel.Size), "after realloc");
        }

        if (random.Next(3) == 0)
            allocator.Free(ref cache, (void*)address);
        else
            allocator.Free(ref cache, (void*)address, size);
    }

    private void Check(Parcel parcel, nuint limit, string when)
    {
        var at = Content.FirstDifference(parcel.Address, parcel.Size, parcel.Seed, limit);
        if (at >= 0)
            Fail($"block of {parcel.Size} bytes at {parcel.Address:x}: wrong byte at offset {at} {when}");
    }

    private void Fail(string message) => Interlocked.CompareExchange(ref _failure, message, null);

    private sealed record Parcel(nuint Address, nuint Size, ulong Seed);
}
