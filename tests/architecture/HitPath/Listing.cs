using System.Text.RegularExpressions;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>One instruction of a JIT listing.</summary>
internal readonly record struct Instruction(string Mnemonic, string Operands)
{
    public bool IsReturn => Mnemonic == "ret";

    public bool IsJump => Mnemonic == "jmp";

    public bool IsConditionalJump => Mnemonic[0] == 'j' && !IsJump;

    /// <summary>The label a jump goes to, or null where it leaves the method (a tail call).</summary>
    public string? Target => Listing.Label().Match(Operands) is { Success: true } label ? label.Value : null;

    public bool IsCall => Mnemonic is "call" or "int3" or "ud2" || (IsJump && Target is null) || Mnemonic.StartsWith("tail", StringComparison.Ordinal);

    public override string ToString() => $"{Mnemonic} {Operands}".Trim();
}

/// <summary>A basic block: its label, its instructions, and the labels control may go to.</summary>
internal sealed record Block(string Label, List<Instruction> Instructions, List<string> Next);

/// <summary>The code of one method as the JIT printed it (DOTNET_JitDisasm), split into blocks.</summary>
internal sealed partial record Listing(string Method, string Tier, List<Block> Blocks)
{
    /// <summary>Every method of a listing file; the last of a name is its final tier.</summary>
    public static IEnumerable<Listing> Parse(string text)
    {
        foreach (var part in text.Split("; Assembly listing for method ").Skip(1))
        {
            var head = part[..part.IndexOf('\n', StringComparison.Ordinal)].Trim();
            var tier = head.LastIndexOf('(');
            yield return new Listing(head[..tier].Trim(), head[tier..].Trim('(', ')'), ToBlocks(part.Split('\n')));
        }
    }

    [GeneratedRegex(@"G_M\w+_IG\d+")]
    internal static partial Regex Label();

    [GeneratedRegex(@"^(G_M\w+_IG\d+):")]
    private static partial Regex BlockStart();

    [GeneratedRegex(@"^\s+(?<mnemonic>(?:lock |rep |repe |repne |tail\.)?[a-z][a-z0-9.]*)\b\s*(?<operands>[^;]*)")]
    private static partial Regex Line();

    // A block of the JIT may hold jumps in its middle: each ends a block of ours.
    private static List<Block> ToBlocks(string[] lines)
    {
        var blocks = new List<Block>();
        Block? block = null;
        foreach (var line in lines)
        {
            if (BlockStart().Match(line) is { Success: true } start)
            {
                blocks.Add(block = new Block(start.Groups[1].Value, [], []));
                continue;
            }

            if (block is null || Line().Match(line) is not { Success: true } match || match.Groups["mnemonic"].Value is "align" or "nop" or "add byte")
                continue;
            var instruction = new Instruction(match.Groups["mnemonic"].Value, match.Groups["operands"].Value.Trim());
            block.Instructions.Add(instruction);
            if (instruction.IsConditionalJump)
                blocks.Add(block = new Block($"{block.Label}+{block.Instructions.Count}", [], []));
        }

        for (var i = 0; i < blocks.Count; i++)
            Connect(blocks[i], i + 1 < blocks.Count ? blocks[i + 1].Label : null);
        return blocks;
    }

    private static void Connect(Block block, string? following)
    {
        var last = block.Instructions.Count == 0 ? default : block.Instructions[^1];
        if (last.Mnemonic is not null && (last.IsConditionalJump || last.IsJump) && last.Target is { } target)
            block.Next.Add(target);
        if (following is not null && (last.Mnemonic is null || !(last.IsReturn || last.IsJump || last.IsCallThatNeverReturns())))
            block.Next.Add(following);
    }
}

/// <summary>What ends a block besides jumps.</summary>
internal static class InstructionFacts
{
    public static bool IsCallThatNeverReturns(this Instruction instruction) => instruction.Mnemonic is "int3" or "ud2";
}
