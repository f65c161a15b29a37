using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>What one user holds: an address, the bytes asked for, the pattern written over them, and the size that a sized free has to name.</summary>
internal readonly record struct Piece(nint Address, int Size, byte Seed, int FreeSize);

/// <summary>
/// One user of an allocator: a cache and what lives. A piece leaves <see cref="Live"/> before the call that frees it and enters after the call that made it, so that at any stop the list is what
/// the user holds.
/// </summary>
internal sealed unsafe class Mutator(BitTreeAllocator allocator)
{
    private const int Page = 4096;
    private static readonly int[] s_quietSizes = [24, 24, 200, 200, 200, 1000, 4000];
    private byte _next;

    /// <summary>The cache; a field, because calls take it by reference.</summary>
    public ThreadCache Cache = allocator.CreateCache();

    public BitTreeAllocator Allocator { get; } = allocator;

    public List<Piece> Live { get; } = [];

    /// <summary>Whose pieces <see cref="Step"/> frees now and then.</summary>
    public Mutator? Other { get; init; }

    public Heap* Heap => Cache.Record->Heap;

    public void Alloc(int size) => Adopt((byte*)Allocator.Alloc(ref Cache, (nuint)size), size);

    public void AllocMany(int count, int size)
    {
        for (var i = 0; i < count; i++)
            Alloc(size);
    }

    /// <summary>A slot that nobody writes to.</summary>
    public void AllocUntouched(int size) => Live.Add(new Piece((nint)Allocator.Alloc(ref Cache, (nuint)size), 0, 1, size));

    /// <summary>False where there is no memory.</summary>
    public bool TryAlloc(int size)
    {
        if (!Allocator.TryAlloc(ref Cache, (nuint)size, out var pointer, out var error))
        {
            Assert.Equal(AllocError.CommitRefused, error);
            return false;
        }

        Adopt((byte*)pointer, size);
        return true;
    }

    public void Zeroed(int size)
    {
        var address = (byte*)Allocator.AllocZeroed(ref Cache, (nuint)size);
        if (new Span<byte>(address, size).ContainsAnyExcept((byte)0))
            Assert.Fail($"{size} zeroed bytes are not zero");
        Adopt(address, size);
    }

    public void Aligned(int size, int alignment)
    {
        var address = (byte*)Allocator.AllocAligned(ref Cache, (nuint)size, (nuint)alignment);
        Assert.Equal(0, (nint)address & (alignment - 1));
        Adopt(address, size, alignment <= 8 ? size : (Math.Max(size, 1) + alignment - 1) & -alignment);
    }

    /// <summary>Resizes piece number <paramref name="at"/>; its contents move along.</summary>
    public void Realloc(int at, int size)
    {
        var piece = Take(at);
        var address = (byte*)Allocator.Realloc(ref Cache, (void*)piece.Address, (nuint)size);
        var kept = piece with { Address = (nint)address, Size = Math.Min(size, piece.Size) };
        Check(kept, IsSparse(piece.Size));
        Adopt(address, size);
    }

    public void Free(int at, bool sized)
    {
        var piece = Take(at);
        Check(piece);

        // Overwritten: whoever still has it sees it.
        if (piece.Size > 0)
            *(byte*)piece.Address = 0;
        if (sized)
            Allocator.Free(ref Cache, (void*)piece.Address, (nuint)piece.FreeSize);
        else
            Allocator.Free(ref Cache, (void*)piece.Address);
    }

    public void FreeAll(bool sized = true)
    {
        while (Live.Count > 0)
            Free(Live.Count - 1, sized);
    }

    /// <summary>Frees every piece whose number matches.</summary>
    public void FreeWhere(Func<int, bool> match, bool sized = true)
    {
        for (var at = Live.Count - 1; at >= 0; at--)
        {
            if (match(at))
                Free(at, sized);
        }
    }

    /// <summary>The last pieces of another user become this one's.</summary>
    public void TakeOver(Mutator from, int count)
    {
        for (; count > 0 && from.Live.Count > 0; count--)
            Live.Add(from.Take(from.Live.Count - 1));
    }

    /// <summary>A cache that begins, serves and ends.</summary>
    public void OtherCache()
    {
        var cache = Allocator.CreateCache();
        for (var i = 0; i < 3; i++)
        {
            var pointer = Allocator.Alloc(ref cache, 333);
            new Span<byte>(pointer, 333).Fill(0x77);
            Allocator.Free(ref cache, pointer, 333);
        }

        cache.Dispose();
    }

    /// <summary>The figures as the core reads them.</summary>
    public void Figures()
    {
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        new Span<ClassFigures>(classes, SizeClasses.Count).Clear();
        Heap->Engine.Figures(Heap, classes, out var totals);
        Assert.True(totals.Caches >= 1 && totals.CommittedBytes >= totals.MetadataBytes);
    }

    /// <summary>One operation of any kind but Dispose. Every content is checked when it goes.</summary>
    public void Step(Random random)
    {
        switch (random.Next(1000))
        {
            case < 2:
                Alloc(random.Next(65_537, 120_000));
                break;
            case < 3 when random.Next(3) == 0:
                Allocator.Trim(ref Cache);
                break;
            case < 7:
                Cache.Park();
                break;
            case < 10:
                OtherCache();
                break;
            case < 13:
                Figures();
                break;
            case < 18 when Other is not null:
                TakeOver(Other, 1);
                break;
            case < 60:
                Zeroed(random.Next(4) == 0 ? random.Next(4096, 9000) : random.Next(1, 500));
                break;
            case < 100:
                Aligned(random.Next(0, 700), 1 << random.Next(0, 10));
                break;
            case < 150 when Live.Count > 0:
                Realloc(random.Next(Live.Count), random.Next(2000));
                break;
            case < 560 when Live.Count < 400:
                Alloc(random.Next(10) switch { < 6 => random.Next(0, 257), < 9 => random.Next(0, 3000), _ => random.Next(0, 12_000) });
                break;
            default:
                if (Live.Count > 0)
                    Free(random.Next(Live.Count), random.Next(2) == 0);
                break;
        }
    }

    /// <summary>One operation that needs nothing from the system where the heap has room: no size above 4 000 bytes, no trim.</summary>
    public void QuietStep(Random random)
    {
        switch (random.Next(1000))
        {
            case < 4:
                Cache.Park();
                break;
            case < 8:
                OtherCache();
                break;
            case < 10:
                Figures();
                break;
            case < 40:
                Zeroed(s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            case < 70:
                Aligned(180, 64);
                break;
            case < 110 when Live.Count > 0:
                Realloc(random.Next(Live.Count), s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            case < 570 when Live.Count < 300:
                Alloc(s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            default:
                if (Live.Count > 0)
                    Free(random.Next(Live.Count), random.Next(2) == 0);
                break;
        }
    }

    public void CheckAll() => Live.ForEach(Check);

    private Piece Take(int at)
    {
        var piece = Live[at];
        Live[at] = Live[^1];
        Live.RemoveAt(Live.Count - 1);
        return piece;
    }

    // Large pieces carry their pattern in one byte per page: filling them is not what is tested.
    private void Adopt(byte* address, int size, int freeSize = -1)
    {
        _next = (byte)(_next % 255 + 1);
        for (var at = 0; IsSparse(size) && at < size; at += Page)
            address[at] = _next;
        if (!IsSparse(size))
            new Span<byte>(address, size).Fill(_next);
        Live.Add(new Piece((nint)address, size, _next, freeSize < 0 ? size : freeSize));
    }

    private static bool IsSparse(int size) => size > SizeClasses.MaxSize;

    private static void Check(Piece piece) => Check(piece, IsSparse(piece.Size));

    private static void Check(Piece piece, bool sparse)
    {
        var address = (byte*)piece.Address;
        var intact = sparse || !new Span<byte>(address, piece.Size).ContainsAnyExcept(piece.Seed);
        for (var at = 0; sparse && at < piece.Size; at += Page)
            intact &= address[at] == piece.Seed;
        if (!intact)
            Assert.Fail($"the {piece.Size} bytes at 0x{piece.Address:x} do not read as they were written");
    }
}
