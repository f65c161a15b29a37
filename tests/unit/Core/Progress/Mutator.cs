using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>What one user holds: an address, the bytes asked for, the pattern written over them, and the size that a sized free has to name.</summary>
internal readonly record struct Piece(nint Address, int Size, byte Seed, int FreeSize);

/// <summary>
/// One user of an allocator: a cache and what lives. A piece leaves <see cref="Live"/> before the call that frees it and enters after the call that made it, so that at any stop the list is what
/// the user holds.
/// </summary>
internal sealed unsafe partial class Mutator
{
    private const int Page = 4096;
    private byte _next;

    /// <summary>The cache; a field, because calls take it by reference.</summary>
    public ThreadCache Cache;

    /// <summary>One with an explicit cache, and, where there is a world around it, an ambient one beside.</summary>
    public Mutator(BitTreeAllocator allocator, World? world = null)
    {
        Allocator = allocator;
        World = world;
        Cache = allocator.CreateCache();
        Heap = Cache.Record->Heap;
        if (world is not null)
            Ambient = new Mutator(this);
    }

    public BitTreeAllocator Allocator { get; }

    public World? World { get; }

    public List<Piece> Live { get; } = [];

    /// <summary>Whose pieces <see cref="Step"/> frees now and then.</summary>
    public Mutator? Other { get; init; }

    public Heap* Heap { get; }

    public void Alloc(int size)
    {
        Enter();
        var address = Allocator.Alloc(ref Cache, (nuint)size);
        Leave();
        Adopt((byte*)address, size);
    }

    public void AllocMany(int count, int size)
    {
        for (var i = 0; i < count; i++)
            Alloc(size);
    }

    /// <summary>A slot that nobody writes to.</summary>
    public void AllocUntouched(int size) => Live.Add(new Piece((nint)Allocator.Alloc(ref Cache, (nuint)size), 0, 1, size));

    /// <summary>False where there is no memory, for that reason.</summary>
    public bool TryAlloc(int size, AllocError reason = AllocError.CommitRefused)
    {
        Enter();
        var served = Allocator.TryAlloc(ref Cache, (nuint)size, out var pointer, out var error);
        Leave();
        Assert.Equal(served ? AllocError.None : reason, error);
        if (served)
            Adopt((byte*)pointer, size);
        return served;
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
        Enter();
        if (sized)
            Allocator.Free(ref Cache, (void*)piece.Address, (nuint)piece.FreeSize);
        else
            Allocator.Free(ref Cache, (void*)piece.Address);
        Leave();
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

    /// <summary>The figures as the core reads them, between a visitor's entry and its leave.</summary>
    public void Figures()
    {
        Assert.True(World is null || Gate<HookedAtomics>.TryEnter(World.Gate));
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        new Span<ClassFigures>(classes, SizeClasses.Count).Clear();
        Heap->Engine.Figures(Heap, classes, out var totals);
        Assert.True(totals.Caches >= 1 && totals.CommittedBytes >= totals.MetadataBytes);
        if (World is not null)
            Gate<HookedAtomics>.Leave(World.Gate);
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
