using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>What a hit costs, read from the machine code: no atomic, no call, no division, no thread-static, and few instructions.</summary>
public sealed class HitPathIsBare(ITestOutputHelper output)
{
    // Budgets in instructions from entry to return, the return included. Tighten when the code gets shorter.
    private const int AllocBudget = 21;
    private const int SizedFreeBudget = 23;
    private const int FreeBudget = 24;

    // What the checked level adds behind the turn-off.
    private const int CheckedAllocBudget = 32;
    private const int CheckedSizedFreeBudget = 40;
    private const int CheckedFreeBudget = 39;

    [Fact]
    public void Alloc_and_both_frees_with_a_cache_are_bare_on_a_hit()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        Judge(
            CompiledCode.Of("library", "BitTreeAlloc.BitTreeAllocator:Alloc BitTreeAlloc.BitTreeAllocator:Free"),
            ("Alloc(byref,", AllocBudget, "Alloc"),
            ("Free(byref,ptr,nuint)", SizedFreeBudget, "sized Free"),
            ("Free(byref,ptr)", FreeBudget, "Free"));
    }

    [Fact]
    public void The_checked_level_is_as_bare_and_saves_no_registers_on_a_hit()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("checked", "BitTreeAlloc.BitTreeAllocator:AllocChecked BitTreeAlloc.BitTreeAllocator:FreeChecked");
        Judge(
            listings,
            ("AllocChecked(byref,", CheckedAllocBudget, "checked Alloc"),
            ("FreeChecked(byref,ptr,nuint,", CheckedSizedFreeBudget, "checked sized Free"),
            ("FreeChecked(byref,ptr,nint)", CheckedFreeBudget, "checked Free"));

        // The frame pointer is the runtime's own habit; more is the layout that the remarks of the checked hit path warn of.
        Assert.All(listings, listing => Assert.True(listing.Blocks[0].Instructions.Count(one => one.Mnemonic == "push") <= 1, $"{listing.Method} saves registers"));
    }

    private void Judge(IReadOnlyList<Listing> listings, params (string Signature, int Budget, string Name)[] methods)
    {
        var problems = new List<string>();
        foreach (var (signature, budget, name) in methods)
            One(signature, budget, name);
        Assert.True(problems.Count == 0, string.Join('\n', problems));

        void One(string signature, int budget, string name)
        {
            var listing = listings.SingleOrDefault(one => one.Method.Replace(" ", "", StringComparison.Ordinal).Contains(":" + signature, StringComparison.Ordinal));
            if (listing is null)
            {
                problems.Add($"{name}: no listing; there are {string.Join(", ", listings.Select(one => one.Method))}");
                return;
            }

            var (instructions, breaches) = HitPathRules.Judge(listing);
            output.WriteLine($"{name}: {instructions} instructions on a hit");
            foreach (var block in listing.Blocks)
                output.WriteLine($"{block.Label} -> {string.Join(' ', block.Next)}\n    {string.Join("\n    ", block.Instructions)}");
            problems.AddRange(breaches.Select(breach => $"{name}: {breach}"));
            if (instructions > budget)
                problems.Add($"{name}: {instructions} instructions on a hit, the budget is {budget}");
        }
    }

    [Fact]
    public void Hole_16_no_division_stands_on_a_hit_of_alloc_or_free()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("library", "BitTreeAlloc.BitTreeAllocator:Alloc BitTreeAlloc.BitTreeAllocator:Free");
        Assert.True(listings.Count >= 3, $"{listings.Count} listings");
        Assert.DoesNotContain(listings.SelectMany(listing => HitPathRules.Judge(listing).Breaches), breach => breach.StartsWith("a division", StringComparison.Ordinal));

        // The control.
        Assert.Contains(CompiledCode.Of("controls", "PlantedDivision").SelectMany(listing => HitPathRules.Judge(listing).Breaches), breach => breach.StartsWith("a division", StringComparison.Ordinal));
    }

    [Fact]
    public void Planted_methods_are_flagged_each_for_its_reason()
    {
        if (CompiledCode.Obstacle() is { } obstacle)
        {
            output.WriteLine($"skipped: {obstacle}");
            return;
        }

        var listings = CompiledCode.Of("controls", "Planted*");
        Assert.Contains(Breaches("PlantedLock"), breach => breach.StartsWith("an atomic", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedExchange"), breach => breach.StartsWith("an atomic", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedDivision"), breach => breach.StartsWith("a division", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedCall"), breach => breach.Contains("makes a call", StringComparison.Ordinal));
        Assert.Contains(Breaches("PlantedLoop"), breach => breach.Contains("loop", StringComparison.Ordinal));
        Assert.Empty(Breaches("PlantedClean"));

        IReadOnlyList<string> Breaches(string method) => HitPathRules.Judge(listings.Single(listing => listing.Method.Contains(":" + method + "(", StringComparison.Ordinal))).Breaches;
    }
}
