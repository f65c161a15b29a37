using System.Globalization;
using System.Text.RegularExpressions;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>
/// The order of the two shared words of an owner's call in machine code: of an ambient cache, and of region slots. Every way through it stores "inside" before it loads the claim, and stores "used" or "out" after all else. Nothing on
/// it is locked or a fence: the process-wide fence of the reclaimer, or thief, stands for the owner's.
/// </summary>
internal static partial class AmbientOrder
{
    private const int MostWays = 200;

    /// <summary>Instructions of the longest hit, and every breach. <paramref name="leave"/> is what the owner stores last; the word at <paramref name="ownOffset"/>, which nobody else reads, may come after it.</summary>
    public static (int Instructions, IReadOnlyList<string> Breaches) Judge(Listing listing, int activeOffset, int claimOffset, int leave = 2, int? ownOffset = null)
    {
        var blocks = listing.Blocks.ToDictionary(block => block.Label);
        var ways = new List<List<Instruction>>();
        if (blocks.Count > 0)
            Walk(blocks, listing.Blocks[0].Label, [], [], ways);

        // A way without the word is a call that does not go through the cache at all.
        var hits = ways.Where(way => way.Exists(one => Touches(one, activeOffset) || Touches(one, claimOffset))).ToList();
        if (hits.Count == 0)
            return (0, ["no way through the method looks at the claim and returns without a call"]);
        var breaches = new HashSet<string>();
        foreach (var way in hits)
            breaches.UnionWith(Breaches(way, activeOffset, claimOffset, leave, ownOffset));
        return (hits.Max(way => way.Count), [.. breaches]);
    }

    private static IEnumerable<string> Breaches(List<Instruction> way, int activeOffset, int claimOffset, int leave, int? ownOffset)
    {
        foreach (var one in way.Where(IsOrdering))
            yield return $"an atomic or a fence: {one}";
        var stores = Indices(way, one => Touches(one, activeOffset) && IsStore(one));
        var loads = Indices(way, one => Touches(one, claimOffset));
        if (loads.Count == 0)
            yield return "no load of the claim";
        if (loads.Exists(load => IsStore(way[load])))
            yield return "a store to the claim";
        if (stores.Count != 2)
        {
            yield return $"{stores.Count} stores of where the owner is; there have to be two";
            yield break;
        }

        if (loads.Count > 0 && loads[0] < stores[0])
            yield return "the claim is loaded before the store of \"inside\"";
        if (loads.Count > 0 && loads[^1] > stores[1])
            yield return "the claim is loaded after the store of \"used\"";
        if (ValueOf(way, stores[0]) != 1)
            yield return $"the first store is not of \"inside\": {way[stores[0]]}";
        if (ValueOf(way, stores[1]) != leave)
            yield return $"the last store is not of \"used\": {way[stores[1]]}";
        foreach (var late in way.Skip(stores[1] + 1).Where(one => IsStore(one) || (one.Operands.Contains('[', StringComparison.Ordinal) && one.Mnemonic is not ("lea" or "ret"))).Where(one => ownOffset is not { } own || !(Touches(one, own) || IsAt(way, one, own))))
            yield return $"memory is touched after the store of \"used\": {late}";
        foreach (var call in way.Skip(stores[0]).Where(one => one.IsCall))
            yield return $"a call inside: {call}";
        foreach (var early in way.Take(stores[0]).Where(one => IsStore(one) && !IsOnStack(one)))
            yield return $"a store before that of \"inside\": {early}";
    }

    /// <summary>The ways from a block to a return on which no call lies but the one, through a register, by which the system finds a thread's own variables.</summary>
    private static void Walk(Dictionary<string, Block> blocks, string label, HashSet<string> seen, List<Instruction> before, List<List<Instruction>> ways)
    {
        var block = blocks[label];
        if (ways.Count > MostWays || block.Instructions.Exists(one => one.IsCall && !IsThreadStatic(one)) || !seen.Add(label))
            return;
        var way = new List<Instruction>(before);
        way.AddRange(block.Instructions);
        if (block.Instructions.Exists(one => one.IsReturn))
            ways.Add(way);
        else
            foreach (var next in block.Next)
                Walk(blocks, next, seen, way, ways);
        seen.Remove(label);
    }

    private static List<int> Indices(List<Instruction> way, Predicate<Instruction> match) => [.. Enumerable.Range(0, way.Count).Where(i => match(way[i]))];

    private static bool IsOrdering(Instruction one) => one.Mnemonic.StartsWith("lock", StringComparison.Ordinal) || one.Mnemonic is "mfence" or "lfence" or "sfence" or "cpuid" or "serialize"
        || (one.Mnemonic == "xchg" && one.Operands.Contains('[', StringComparison.Ordinal));

    // Where a thread's own variables are not at a fixed distance from a segment register; every other call of compiled code goes through memory or has a name.
    private static bool IsThreadStatic(Instruction one) => one.Mnemonic == "call" && !one.Operands.Contains('[', StringComparison.Ordinal) && Register().IsMatch(one.Operands);

    private static bool IsStore(Instruction one) => one.Mnemonic.StartsWith("mov", StringComparison.Ordinal) && one.Operands.Split(',')[0].Contains('[', StringComparison.Ordinal);

    // The JIT may add the offset to the record's register first.
    private static bool IsAt(List<Instruction> way, Instruction one, int offset) =>
        BareRegister().Match(one.Operands) is { Success: true } match
        && way.FindLast(other => other.Operands.Split(',')[0].Trim() == match.Groups[1].Value && other != one) is { Mnemonic: "add" } sum
        && TryNumber(sum.Operands.Split(',')[1].Trim(), out var added) && added == offset;

    private static bool IsOnStack(Instruction one) => one.Operands.Contains("[rsp", StringComparison.Ordinal) || one.Operands.Contains("[rbp", StringComparison.Ordinal);

    private static bool Touches(Instruction one, int offset) =>
        Displacement().Match(one.Operands) is { Success: true } match && int.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) == offset;

    // An immediate, or the one last put into the register that is stored.
    private static int? ValueOf(List<Instruction> way, int store)
    {
        var source = way[store].Operands[(way[store].Operands.LastIndexOf(',') + 1)..].Trim();
        if (TryNumber(source, out var value))
            return value;
        var register = source.TrimEnd('d');
        for (var i = store - 1; i >= 0; i--)
        {
            var parts = way[i].Operands.Split(',');
            if (way[i].Mnemonic == "mov" && parts.Length == 2 && SameRegister(parts[0].Trim(), register) && TryNumber(parts[1].Trim(), out value))
                return value;
        }

        return null;
    }

    private static bool SameRegister(string left, string right) => left == right || left.TrimEnd('d') == right.TrimEnd('d') || (left.StartsWith('e') && right.StartsWith('r') && left[1..] == right[1..]);

    private static bool TryNumber(string text, out int value) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            ? int.TryParse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out value)
            : int.TryParse(text, CultureInfo.InvariantCulture, out value);

    [GeneratedRegex(@"^r[a-z0-9]{1,2}$")]
    private static partial Regex Register();

    [GeneratedRegex(@"\[(\w+)\]")]
    private static partial Regex BareRegister();

    [GeneratedRegex(@"\[\w+\+0x([0-9A-Fa-f]+)\]")]
    private static partial Regex Displacement();
}
