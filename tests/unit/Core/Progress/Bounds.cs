using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>The bound that docs/design/progress.md publishes on what one stopped thread strands, checked and printed.</summary>
internal static class Bounds
{
    private const long Block = 64 << 10;
    private const long PurgeRun = 2 << 20;

    /// <summary>Bytes of slots of the largest magazine: four of 64 KiB. A drained recycler holds at most 64 KiB, or one magazine.</summary>
    private const long Magazine = 4 * Block;

    /// <summary>What a cache or a guest may have of the budget and not use, the grant of a magazine in hands, and of what is being given back.</summary>
    private const long Grant = (2 * Block) + (2 * Magazine);

    /// <summary>Magazines of a full recycler: 64 KiB of 8-byte slots, 125 to a magazine; and two more in hands.</summary>
    private const int RecyclerMagazines = 67;

    /// <summary>Beyond its own cache: one block or one purge run, one magazine or one recycler of slots in hands, a mapping or a stretch nobody else knows.</summary>
    public static void Check(Operation operation, Stranded rest, int threads = 1)
    {
        Assert.InRange(rest.BlockBytes, 0, threads * (operation.Sweeps ? PurgeRun : Block));
        Assert.InRange(rest.HandBytes, long.MinValue, threads * Magazine);
        Assert.InRange(rest.Magazines, 0, threads * (operation.Drains ? RecyclerMagazines : 2));
        Assert.InRange(rest.Records, 0, threads);
        Assert.InRange(rest.Caches, 0, threads * ((operation.HasSecond ? 1 : 0) + (operation.Claims ? 1 : 0)));
        Assert.InRange(rest.Claimed, 0, threads * (operation.Claims || operation.HasSecond ? 1 : 0));
        Assert.InRange(rest.GrantBytes, 0, threads * (Grant + (operation.Drains ? Magazine : 0)));
        Assert.InRange(rest.ChargeBytes, operation.Sweeps ? -threads * PurgeRun : 0, threads * Math.Max(operation.Sweeps ? PurgeRun : Block, operation.Addresses));
        Assert.InRange(rest.AddressBytes, 0, threads * Math.Max(operation.Addresses, 128 << 10));
    }

    /// <summary>A row of the page's table.</summary>
    public static string Row(Operation operation, int stops, Stranded worst) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {operation.Name} | {stops} | {worst.Blocks} ({KiB(worst.BlockBytes)}) | {worst.HandSlots} ({KiB(worst.HandBytes)}) | {KiB(worst.CacheBytes)} | {worst.Claimed} | {KiB(worst.GrantBytes)} | {KiB(worst.ChargeBytes)} | {worst.Magazines} | {worst.Records} | {KiB(worst.AddressBytes)} |");

    private static string KiB(long bytes) => bytes <= 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"{(bytes + 1023) / 1024} KiB");
}
