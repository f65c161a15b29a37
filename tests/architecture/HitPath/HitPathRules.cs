namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>
/// The rules of the hit path. It is the part of a method from its entry to a return on which no call lies: blocks that call, and those that lead only to them, are cold.
/// </summary>
internal static class HitPathRules
{
    /// <summary>The longest way through the hit path, in instructions, and every breach found on it.</summary>
    public static (int Instructions, IReadOnlyList<string> Breaches) Judge(Listing listing)
    {
        var blocks = listing.Blocks.ToDictionary(block => block.Label);
        var warm = Warm(blocks);
        if (listing.Blocks.Count == 0 || !warm.Contains(listing.Blocks[0].Label))
            return (0, ["every way from the entry to a return makes a call"]);
        var reachable = Reachable(blocks, warm, listing.Blocks[0].Label);
        var breaches = reachable.SelectMany(label => blocks[label].Instructions).Select(Breach).OfType<string>().ToList();
        var longest = Longest(blocks, warm, listing.Blocks[0].Label, []);
        if (longest == int.MaxValue)
            breaches.Add("a loop on the hit path");
        return (longest, breaches);
    }

    private static string? Breach(Instruction instruction) => instruction.Mnemonic switch
    {
        _ when instruction.Mnemonic.StartsWith("lock", StringComparison.Ordinal) => $"an atomic: {instruction}",
        "xchg" when instruction.Operands.Contains('[', StringComparison.Ordinal) => $"an atomic: {instruction}",
        "mfence" or "lfence" or "sfence" => $"a fence: {instruction}",
        "div" or "idiv" => $"a division: {instruction}",
        _ when instruction.Mnemonic.StartsWith("rep", StringComparison.Ordinal) => $"a loop in one instruction: {instruction}",
        _ when instruction.Operands.Contains("fs:", StringComparison.Ordinal) || instruction.Operands.Contains("gs:", StringComparison.Ordinal) => $"a thread-static: {instruction}",
        _ => null,
    };

    // Call-free blocks from which a return is reached through call-free blocks.
    private static HashSet<string> Warm(Dictionary<string, Block> blocks)
    {
        var callFree = blocks.Values.Where(block => !block.Instructions.Any(instruction => instruction.IsCall)).ToList();
        var warm = callFree.Where(block => block.Instructions.Any(instruction => instruction.IsReturn)).Select(block => block.Label).ToHashSet();
        while (callFree.Where(block => !warm.Contains(block.Label) && block.Next.Any(warm.Contains)).ToList() is { Count: > 0 } more)
            warm.UnionWith(more.Select(block => block.Label));
        return warm;
    }

    private static HashSet<string> Reachable(Dictionary<string, Block> blocks, HashSet<string> warm, string entry)
    {
        var seen = new HashSet<string> { entry };
        var open = new Queue<string>([entry]);
        while (open.TryDequeue(out var label))
            foreach (var next in blocks[label].Next.Where(next => warm.Contains(next) && seen.Add(next)))
                open.Enqueue(next);
        return seen;
    }

    private static int Longest(Dictionary<string, Block> blocks, HashSet<string> warm, string label, HashSet<string> path)
    {
        if (!path.Add(label))
            return int.MaxValue;
        var longest = 0;
        foreach (var next in blocks[label].Next.Where(warm.Contains))
            longest = Math.Max(longest, Longest(blocks, warm, next, path));
        path.Remove(label);
        return longest == int.MaxValue ? longest : longest + blocks[label].Instructions.Count;
    }
}
