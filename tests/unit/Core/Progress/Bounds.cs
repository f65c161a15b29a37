using System.Globalization;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>The bound that docs/design/progress.md publishes on what one stopped thread strands, checked and printed.</summary>
internal static class Bounds
{
    private const long Block = 64 << 10;
    private const long PurgeRun = 2 << 20;

    /// <summary>Bytes of slots of the largest magazine of small classes: four of 64 KiB.</summary>
    private const long Magazine = 4 * Block;

    /// <summary>Bytes of slots of a drained recycler: 320 KiB, or one magazine. Every birth may drain them.</summary>
    private const long Recycler = 5 * Block;

    /// <summary>Magazines of a full recycler, and two more in hands.</summary>
    private const int RecyclerMagazines = ClassPlan.MaxRecyclerDepth + 2;

    /// <summary>Beyond its own cache: one block (of the class it asks for), one region or one purge run, one magazine and one recycler of slots in hands, a mapping or a stretch nobody else knows.</summary>
    public static void Check(Operation operation, Stranded rest, int threads = 1)
    {
        var block = BlockOf(operation.Largest);
        var magazine = operation.Largest > SizeClasses.MaxSmallSize ? Math.Max(ClassPlan.MediumMagazineBytes, (long)BitTreeAllocator.GoodSize((nuint)Math.Min(operation.Largest, SizeClasses.MaxSize))) : Magazine;
        var grant = (2 * Block) + (2 * magazine);
        var region = operation.Largest > SizeClasses.MaxSize ? (long)RegionClasses.UnitsOf((ulong)operation.Largest) << RegionWord.UnitShift : 0;
        var most = Math.Max(operation.Sweeps ? PurgeRun : block, region);
        Assert.InRange(rest.BlockBytes, 0, threads * (operation.Sweeps ? Math.Max(PurgeRun, block) : block));
        Assert.InRange(rest.RegionBytes, 0, threads * region);
        Assert.InRange(rest.HandBytes, long.MinValue, threads * (magazine + Recycler));
        Assert.InRange(rest.Magazines, 0, threads * RecyclerMagazines);
        Assert.InRange(rest.Records, 0, threads);
        Assert.InRange(rest.Caches, 0, threads * ((operation.HasSecond ? 1 : 0) + (operation.Claims ? 1 : 0)));
        Assert.InRange(rest.Claimed, 0, threads * (operation.Claims || operation.HasSecond ? 1 : 0));
        Assert.InRange(rest.GrantBytes, 0, threads * (grant + Recycler));
        Assert.InRange(rest.ChargeBytes, -threads * (operation.Sweeps ? Math.Max(PurgeRun, region) : region), threads * (operation.Headers < 0 ? Math.Max(most, operation.Addresses) : most + operation.Headers));
        Assert.InRange(rest.AddressBytes, 0, threads * Math.Max(operation.Addresses, 128 << 10));
    }

    private static long BlockOf(int size) => size <= SizeClasses.MaxSmallSize ? Block : 1L << ClassPlan.BlockShift(ClassPlan.KindOf(SizeClasses.ClassOf((nuint)Math.Min(size, SizeClasses.MaxSize))));

    /// <summary>A row of the page's table.</summary>
    public static string Row(Operation operation, int stops, Stranded worst) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {operation.Name} | {stops} | {worst.Blocks} ({KiB(worst.BlockBytes + worst.RegionBytes)}) | {worst.HandSlots} ({KiB(worst.HandBytes)}) | {KiB(worst.CacheBytes)} | {worst.Claimed} | {KiB(worst.GrantBytes)} | {KiB(worst.ChargeBytes)} | {worst.Magazines} | {worst.Records} | {KiB(worst.AddressBytes)} |");

    private static string KiB(long bytes) => bytes <= 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"{(bytes + 1023) / 1024} KiB");
}
