using System.Globalization;
using System.Text;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc;

/// <summary>Words a misuse that the checked level found: what was passed, what is there, the block's figures, and what holds now.</summary>
internal static class MisuseText
{
    public static string Of(string call, AllocError error, in PointerFacts facts, nuint? size)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{call}(0x{facts.Address:x}");
        if (size is { } named)
            text.Append(CultureInfo.InvariantCulture, $", {named} bytes");
        text.Append(CultureInfo.InvariantCulture, $"): {error}. ");
        switch (error)
        {
            case AllocError.WrongSize:
                WrongSize(text, facts, size ?? 0);
                break;
            case AllocError.DoubleFree:
                text.Append(CultureInfo.InvariantCulture, $"{Slot(facts)} is free: it was freed before. ");
                break;
            default:
                Invalid(text, facts);
                break;
        }

        if (facts.InBlock)
            Block(text, facts);
        text.Append("Nothing was taken in; the allocator is as before this call.");
        return text.ToString();
    }

    private static void WrongSize(StringBuilder text, in PointerFacts facts, nuint size)
    {
        var (first, last) = facts.LegalSizes;
        if (facts.MappingBytes == 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Slot(facts)} is live, and {first} to {last} bytes are legal sizes for it; {size} bytes ");
            var other = SizeClasses.ClassOf(size);
            if (other == SizeClasses.None)
                text.Append("get a region or a mapping of their own. ");
            else
                text.Append(CultureInfo.InvariantCulture, $"are of class {other}. ");
        }
        else if (first <= last)
        {
            text.Append(CultureInfo.InvariantCulture, $"A mapping of {facts.MappingBytes} bytes starts there, and {first} to {last} bytes are legal sizes for it. ");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"A mapping of {facts.MappingBytes} bytes starts there, for its alignment: free it with FreeAligned or without a size. ");
        }
    }

    private static void Invalid(StringBuilder text, in PointerFacts facts)
    {
        if (facts.MappingBytes != 0)
            text.Append(CultureInfo.InvariantCulture, $"It lies {facts.Address - facts.MappingStart} bytes inside the live mapping of {facts.MappingBytes} bytes at 0x{facts.MappingStart:x}. ");
        else if (!facts.InBlock)
            text.Append("It lies in no block and in no live mapping of this allocator: memory of somebody else, or a mapping (above 64 GiB) that was freed before. ");
        else if (facts.Word.Phase != BlockPhase.InUse)
            text.Append("Its block belongs to no class now: everything in it was freed, or nothing was ever handed out. ");
        else if (facts.Slot >= facts.Word.Cursor)
            text.Append(CultureInfo.InvariantCulture, $"It lies above what the block has handed out, where slot {facts.Slot} of {facts.SlotSize} bytes would be. ");
        else
            text.Append(CultureInfo.InvariantCulture, $"It lies {facts.Address - facts.SlotStart} bytes inside {char.ToLowerInvariant(Slot(facts)[0])}{Slot(facts)[1..]}, which is {(facts.SlotIsLive ? "live" : "free")}. ");
    }

    private static string Slot(in PointerFacts facts) =>
        string.Create(CultureInfo.InvariantCulture, $"Slot {facts.Slot} at 0x{facts.SlotStart:x} (class {facts.Word.Class}, {facts.SlotSize} bytes)");

    private static void Block(StringBuilder text, in PointerFacts facts)
    {
        text.Append(CultureInfo.InvariantCulture, $"The block of {facts.BlockBytes} bytes at 0x{facts.BlockStart:x}: phase {facts.Word.Phase}");
        if (facts.Word.Phase == BlockPhase.InUse)
            text.Append(CultureInfo.InvariantCulture, $", class {facts.Word.Class}, {facts.Capacity} slots, cursor {facts.Word.Cursor}, {facts.Word.Free} free and home");
        text.Append(". ");
    }
}
