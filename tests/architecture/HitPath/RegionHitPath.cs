using BitTreeAlloc.Core;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>The short ways of regions, read from the machine code: "inside" is stored before the claim of the slots is loaded, "out" behind all that the thief may look at, and nothing is locked.</summary>
public sealed unsafe class RegionHitPath(ITestOutputHelper output)
{
    [Fact]
    public void Inside_is_stored_before_the_claim_of_the_slots_is_loaded_and_out_behind_them()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("regions", "BitTreeAlloc.Core.RegionHits`2*:TryAlloc BitTreeAlloc.Core.RegionHits`2*:TryFree");
        var problems = new List<string>();
        foreach (var name in new[] { ":TryAlloc(", ":TryFree(" })
        {
            var listing = listings.SingleOrDefault(one => one.Method.Contains(name, StringComparison.Ordinal));
            if (listing is null)
            {
                problems.Add($"{name}: no listing; there are {string.Join(", ", listings.Select(one => one.Method))}");
                continue;
            }

            foreach (var block in listing.Blocks)
                output.WriteLine($"{block.Label} -> {string.Join(' ', block.Next)}\n    {string.Join("\n    ", block.Instructions)}");
            var (instructions, breaches) = Verdict(listing);
            output.WriteLine($"{name}: {instructions} instructions");
            problems.AddRange(breaches.Select(breach => $"{name}: {breach}"));
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public void Planted_twins_of_slots_are_flagged_each_for_its_reason()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("region-twins", "Planted*");
        Assert.Empty(Breaches("PlantedTwin"));
        Assert.Contains(Breaches("PlantedSwapped"), breach => breach.StartsWith("the claim is loaded before", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedFence"), breach => breach.StartsWith("an atomic or a fence", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedExchange"), breach => breach.StartsWith("an atomic or a fence", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedUnclaimed"), breach => breach.StartsWith("no load of the claim", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedEarlyLeave"), breach => breach.StartsWith("memory is touched after", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedStays"), breach => breach.Contains("there have to be two", StringComparison.Ordinal));

        IReadOnlyList<string> Breaches(string method) => Verdict(listings.Single(listing => listing.Method.Contains(":" + method + "(", StringComparison.Ordinal))).Breaches;
    }

    private static (int Instructions, IReadOnlyList<string> Breaches) Verdict(Listing listing)
    {
        CacheRecord record;
        var first = (byte*)&record;
        return AmbientOrder.Judge(listing, (int)((byte*)&record.RegionsInside - first), (int)((byte*)&record.RegionsClaim - first), leave: 0, ownOffset: (int)((byte*)&record.PendingInUse - first));
    }
}
