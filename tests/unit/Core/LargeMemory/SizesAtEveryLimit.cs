using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>A1, A12: sizes below, at and above every limit from 64 KiB to 64 GiB, in every form of the calls; contents verified at both ends and where limits lie, giants untouched but for that.</summary>
public sealed unsafe class SizesAtEveryLimit
{
    private const ulong GiB = 1ul << 30;

    /// <summary>Beyond, a region that was used is given back before it is asked for zeroed or moved: it would be cleared or copied whole.</summary>
    private const ulong Whole = 64ul << 20;

    private static IEnumerable<ulong> Limits =>
        Enumerable.Range(SizeClasses.LastSmall, SizeClasses.Last - SizeClasses.LastSmall + 1).Select(one => (ulong)SizeClasses.SlotSize(one, 8))
            .Concat(Enumerable.Range(22, 15).Select(shift => 1ul << shift)).Append(3 * GiB);

    public static TheoryData<Level> Levels => [Level.Fast, Level.Checked];

    [Fact]
    public void The_limits_are_what_they_are_said_to_be()
    {
        Assert.Equal(64ul << 10, Limits.First());
        Assert.Contains(2ul << 20, Limits);
        Assert.Equal(64 * GiB, Limits.Max());
        Assert.Equal((64 << 10, 2 << 20, 64L << 30), (BitTreeAllocator.MaxSmallSize, BitTreeAllocator.MaxMediumSize, BitTreeAllocator.MaxRegionSize));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Every_form_serves_them_and_every_free_takes_them_back(Level level)
    {
        using var live = new LiveSet(new() { Level = level });
        var seed = 0x9E37_79B9_7F4A_7C15ul;
        foreach (var size in Limits.SelectMany(limit => new[] { limit - 1, limit, limit + 1 }))
        {
            for (var form = 0; form < 6; form++)
            {
                var p = Serve(live, form, size);
                var usable = (ulong)live.Allocator.UsableSize((void*)p);
                var good = (ulong)BitTreeAllocator.GoodSize(form == 2 ? (nuint)(size + 63) & ~(nuint)63 : (nuint)size);
                var sizeClass = SizeClasses.ClassOf((nuint)good);

                // A medium size may get a touched slot of a class a little larger.
                Assert.InRange(usable, good, sizeClass <= SizeClasses.LastSmall ? good : (ulong)SizeClasses.SlotSize(Math.Min(sizeClass + ClassPlan.MediumStepsUp, SizeClasses.Last), 8));
                Assert.True(live.Allocator.Owns((void*)p) && live.Allocator.Owns((void*)(p + (nuint)usable - 1)));
                RegionProbe.Mark(p, usable, seed);
                RegionProbe.Check(p, usable, seed);
                p = ResizedAround(live, p, size, usable, seed);
                switch (form % 3)
                {
                    case 0:
                        live.Allocator.Free(ref live.Cache, (void*)p, (nuint)size);
                        break;
                    case 1:
                        live.Allocator.Free(ref live.Cache, (void*)p);
                        break;
                    default:
                        live.Allocator.FreeAligned(ref live.Cache, (void*)p, (nuint)size, 64);
                        break;
                }

                if (size > Whole)
                    live.Allocator.Trim();
                seed = (seed * 6364136223846793005) + 1;
            }
        }

        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        Assert.Equal((0, 0), (live.Figures.RegionCount, live.Figures.DirectCount));
        ChargeWalk.Check(live.Heap);
    }

    /// <summary>Alloc, AllocZeroed, AllocAligned, the Try form, the counted form, and a realloc from 100 bytes.</summary>
    private static nuint Serve(LiveSet live, int form, ulong size)
    {
        var allocator = live.Allocator;
        switch (form)
        {
            case 0:
                return (nuint)allocator.Alloc(ref live.Cache, (nuint)size);
            case 1:
                return Zero((nuint)allocator.AllocZeroed(ref live.Cache, (nuint)size), size);
            case 2:
                var aligned = (nuint)allocator.AllocAligned(ref live.Cache, (nuint)size, 64);
                Assert.Equal((nuint)0, aligned % 64);
                return aligned;
            case 3:
                Assert.True(allocator.TryAlloc(ref live.Cache, (nuint)size, out var tried, out _));
                return (nuint)tried;
            case 4:
                return Zero((nuint)allocator.AllocZeroed(ref live.Cache, 1, (nuint)size), size);
            default:
                var small = (byte*)allocator.Alloc(ref live.Cache, 100);
                new Span<byte>(small, 100).Fill(0x5C);
                var grown = (byte*)allocator.Realloc(ref live.Cache, small, (nuint)size);
                Assert.False(new Span<byte>(grown, 100).ContainsAnyExcept((byte)0x5C));
                return (nuint)grown;
        }
    }

    private static nuint Zero(nuint address, ulong size)
    {
        RegionProbe.CheckZero(address, size);
        return address;
    }

    /// <summary>A byte more and back again, a byte less and back again. Where that means a move of a giant, only what stays in place.</summary>
    private static nuint ResizedAround(LiveSet live, nuint p, ulong size, ulong usable, ulong seed)
    {
        foreach (var other in new[] { size + 1, size, size - 1, size })
        {
            var stays = RegionClasses.ClassOf(other) == RegionClasses.ClassOf(size) && other <= RegionClasses.MaxSize && size <= RegionClasses.MaxSize;
            if (!stays && size > Whole)
                continue;
            var moved = (nuint)live.Allocator.Realloc(ref live.Cache, (void*)p, (nuint)other);
            if (size > Whole)
                Assert.Equal(p, moved);
            p = moved;
            RegionProbe.Check(p, usable, seed, Math.Min(other, size - 1));
            RegionProbe.Mark(p, usable = live.Allocator.UsableSize((void*)p), seed);
        }

        return p;
    }
}
