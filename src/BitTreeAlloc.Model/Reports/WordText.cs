using System.Globalization;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Values as people read them.</summary>
/// <param name="memory">Names of addresses.</param>
/// <param name="scenario">May know better.</param>
internal sealed class WordText(ModelMemory memory, Scenario scenario)
{
    private static readonly string[] s_pointers = ["head", "next", "link", "top", "node", "tail", "ptr"];

    /// <summary>A stack head of the narrow form: node and generation.</summary>
    public static string NarrowHead(ulong word) => $"{((uint)word == 0 ? "empty" : $"n{(uint)word - 1}")}/g{word >> 32}";

    /// <summary>Text of a value of a location.</summary>
    public string Of(int location, ulong low, ulong high)
    {
        var cell = memory.CellAt(location);
        if (scenario is IWordDecoder decoder && decoder.Decode(cell.Name, low, high) is { } text)
            return text;
        if (cell.IsWide)
            return $"{Pointer(low)}/g{Number(high)}";
        if (cell.Name.StartsWith("block", StringComparison.Ordinal))
            return new BlockWord(low).ToString() ?? Number(low);
        if (Array.Exists(s_pointers, part => cell.Name.StartsWith(part, StringComparison.Ordinal)))
            return low > uint.MaxValue ? NarrowHead(low) : Pointer(low);
        return Number(low);
    }

    private string Pointer(ulong value) => value == 0 || memory.NameOf(value).StartsWith("0x", StringComparison.Ordinal) ? Number(value) : memory.NameOf(value);

    private static string Number(ulong value) => value < 1_000_000 ? value.ToString(CultureInfo.InvariantCulture) : "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}
