using BitTreeAlloc.Core;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>The calls without a cache, read from the machine code: "inside" is stored before the claim is loaded, "used" last of all, nothing is locked, and few instructions are spent.</summary>
public sealed unsafe class AmbientHitPath(ITestOutputHelper output)
{
    // Instructions from entry to return on the longest hit: what was measured, and two.
    private const int AllocBudget = 43;
    private const int SizedFreeBudget = 49;
    private const int FreeBudget = 43;

    [Fact]
    public void Inside_is_stored_before_the_claim_is_loaded_and_used_last()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("ambient", "BitTreeAlloc.BitTreeAllocator:Alloc BitTreeAlloc.BitTreeAllocator:Free");
        var problems = new List<string>();
        Judge(":Alloc(nuint)", AllocBudget, "Alloc");
        Judge(":Free(ptr,nuint)", SizedFreeBudget, "sized Free");
        Judge(":Free(ptr)", FreeBudget, "Free");
        Assert.True(problems.Count == 0, string.Join('\n', problems));

        void Judge(string signature, int budget, string name)
        {
            var listing = listings.SingleOrDefault(one => one.Method.Replace(" ", "", StringComparison.Ordinal).Contains(signature, StringComparison.Ordinal));
            if (listing is null)
            {
                problems.Add($"{name}: no listing; there are {string.Join(", ", listings.Select(one => one.Method))}");
                return;
            }

            foreach (var block in listing.Blocks)
                output.WriteLine($"{block.Label} -> {string.Join(' ', block.Next)}\n    {string.Join("\n    ", block.Instructions)}");
            var (instructions, breaches) = Verdict(listing);
            output.WriteLine($"{name}: {instructions} instructions on a hit");
            problems.AddRange(breaches.Select(breach => $"{name}: {breach}"));
            if (instructions > budget)
                problems.Add($"{name}: {instructions} instructions on a hit, the budget is {budget}");
        }
    }

    [Fact]
    public void Planted_twins_are_flagged_each_for_its_reason()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("twins", "Planted*");
        Assert.Empty(Breaches("PlantedTwin"));
        Assert.Contains(Breaches("PlantedSwapped"), breach => breach.StartsWith("the claim is loaded before", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedFence"), breach => breach.StartsWith("an atomic or a fence", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedUnclaimed"), breach => breach.StartsWith("no load of the claim", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedEarlyLeave"), breach => breach.StartsWith("memory is touched after", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedStays"), breach => breach.Contains("there have to be two", StringComparison.Ordinal));

        IReadOnlyList<string> Breaches(string method) => Verdict(listings.Single(listing => listing.Method.Contains(":" + method + "(", StringComparison.Ordinal))).Breaches;
    }

    private static (int Instructions, IReadOnlyList<string> Breaches) Verdict(Listing listing)
    {
        CacheRecord record;
        return AmbientOrder.Judge(listing, (int)((byte*)&record.Active - (byte*)&record), (int)((byte*)&record.Claim - (byte*)&record));
    }
}
