using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>An allocator, one cache of it, and what lives in it: every byte carries the pattern of its allocation, so that an overlap or a lost page is seen.</summary>
internal sealed unsafe class LiveSet : IDisposable
{
    private readonly List<(nint Address, int Size, byte Seed)> _live = [];
    private byte _next = 1;

    /// <summary>The cache; a field, because calls take it by reference.</summary>
    public ThreadCache Cache;

    private readonly bool _owns;

    /// <summary>A cache of an allocator of its own.</summary>
    public LiveSet(BitTreeAllocatorOptions options)
        : this(new BitTreeAllocator(options), owns: true)
    {
    }

    /// <summary>One more cache of an allocator.</summary>
    public LiveSet(BitTreeAllocator allocator, bool owns)
    {
        Allocator = allocator;
        _owns = owns;
        Cache = Allocator.CreateCache();
    }

    public BitTreeAllocator Allocator { get; }

    public Heap* Heap => Cache.Record->Heap;

    public AllocatorStatistics Figures => Allocator.GetStatistics();

    public int Count => _live.Count;

    public IReadOnlyList<(nint Address, int Size, byte Seed)> Live => _live;

    /// <summary>An allocator over a simulated system.</summary>
    public static LiveSet Over(SimulatedVirtualMemory os, CasWidth width = CasWidth.Auto, PurgeMode purging = PurgeMode.OnDemand, ulong reserve = 0, Level level = Level.Auto) =>
        new(new() { VirtualMemory = os.Table, CasWidth = width, Purging = purging, ReserveBytes = reserve, Level = level });

    public byte* Alloc(int size)
    {
        var address = (byte*)Allocator.Alloc(ref Cache, (nuint)size);
        Adopt(address, size);
        return address;
    }

    public void AllocMany(int count, int size)
    {
        for (var i = 0; i < count; i++)
            Alloc(size);
    }

    /// <summary>False where there is no memory.</summary>
    public bool TryAlloc(int size, out AllocError error)
    {
        if (!Allocator.TryAlloc(ref Cache, (nuint)size, out var address, out error))
            return false;
        Adopt((byte*)address, size);
        return true;
    }

    public void Adopt(byte* address, int size)
    {
        new Span<byte>(address, size).Fill(_next);
        _live.Add(((nint)address, size, _next));
        _next = (byte)(_next == 255 ? 1 : _next + 1);
    }

    /// <summary>Frees every allocation for which the number matches, after a check of its contents.</summary>
    public void FreeWhere(Func<int, bool> match, bool sized = true)
    {
        var kept = new List<(nint, int, byte)>();
        for (var i = 0; i < _live.Count; i++)
        {
            if (!match(i))
            {
                kept.Add(_live[i]);
                continue;
            }

            Check(_live[i]);
            if (sized)
                Allocator.Free(ref Cache, (void*)_live[i].Address, (nuint)_live[i].Size);
            else
                Allocator.Free(ref Cache, (void*)_live[i].Address);
        }

        _live.Clear();
        _live.AddRange(kept);
    }

    public void FreeAll(bool sized = true) => FreeWhere(_ => true, sized);

    /// <summary>Forgets what was freed by other means.</summary>
    public void FreeWhereForgotten() => _live.Clear();

    public void CheckAll()
    {
        foreach (var one in _live)
            Check(one);
    }

    public void Dispose()
    {
        Cache.Dispose();
        if (_owns)
            Allocator.Dispose();
    }

    private static void Check((nint Address, int Size, byte Seed) one)
    {
        if (new Span<byte>((void*)one.Address, one.Size).ContainsAnyExcept(one.Seed))
            Assert.Fail($"the {one.Size} bytes at 0x{one.Address:x} do not read as they were written");
    }
}
