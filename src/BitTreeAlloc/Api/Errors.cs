using System.Globalization;
using System.Text;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>From outcomes of the core to reasons and exceptions: the only place that words them.</summary>
internal static class Errors
{
    public static AllocError Of(Outcome outcome) => outcome switch
    {
        Outcome.Ok => AllocError.None,
        Outcome.AddressSpaceExhausted => AllocError.AddressSpaceExhausted,
        Outcome.CommitRefused => AllocError.CommitRefused,
        Outcome.TooManyMappings => AllocError.TooManyMappings,
        Outcome.LimitReached => AllocError.LimitReached,
        Outcome.Sealed => AllocError.Sealed,
        Outcome.CacheMisused => AllocError.CacheMisused,
        Outcome.DoubleFree => AllocError.DoubleFree,
        Outcome.WrongSize => AllocError.WrongSize,
        _ => AllocError.InvalidPointer,
    };

    public static Outcome OutcomeOf(AllocError error) => error switch
    {
        AllocError.DoubleFree => Outcome.DoubleFree,
        AllocError.WrongSize => Outcome.WrongSize,
        AllocError.CacheMisused => Outcome.CacheMisused,
        _ => Outcome.InvalidPointer,
    };

    public static bool IsShortage(AllocError error) =>
        error is AllocError.AddressSpaceExhausted or AllocError.CommitRefused or AllocError.TooManyMappings or AllocError.SizeTooLarge or AllocError.LimitReached or AllocError.Sealed;

    public static AllocatorMisuseException Misuse(Outcome outcome) => new(Of(outcome), TextOf(Of(outcome)));

    public static AllocatorMisuseException Misuse(AllocError error) => new(error, TextOf(error));

    public static ObjectDisposedException Disposed() =>
        new(nameof(BitTreeAllocator), "This allocator was disposed of; all its memory went back to the system. Make a new one, or dispose of it after its last use.");

    public static string TextOf(AllocError error) => error switch
    {
        AllocError.None => "no error",
        AllocError.SizeTooLarge => $"The size is above the limit of {BitTreeAllocator.MaxSize} bytes.",
        AllocError.SizeOverflow => "The size does not fit in a machine word (count × elementSize, or size rounded up to the alignment).",
        AllocError.BadAlignment => $"The alignment has to be a power of two from 1 to {BitTreeAllocator.MaxAlignment}.",
        AllocError.AddressSpaceExhausted => "The process has no address space of that size left (see the limit on virtual memory, ulimit -v).",
        AllocError.CommitRefused => "The operating system refused to back more pages (see the commit limit, ulimit -d and the container's memory limit).",
        AllocError.TooManyMappings => "The process reached its number of mappings (see vm.max_map_count); fewer requests above 2 MiB at a time need fewer.",
        AllocError.LimitReached => "It would exceed the allocator's hard limit. Free memory, Trim or dispose of idle caches, or raise HardLimitBytes.",
        AllocError.Sealed => "It needs a call to the operating system, and the allocator is sealed. Reserve, Prefault and WarmUp what the phase needs before Seal, or Unseal.",
        AllocError.Disabled => "The allocator is switched off; set Enabled to true to allocate again.",
        AllocError.Disposed => "The allocator was disposed of.",
        AllocError.CacheMisused => "The cache is being used by two threads at once. Give each thread its own, or use the calls without a cache.",
        AllocError.ForeignCache => "The cache belongs to another allocator. A cache stays with the allocator that it was first used with.",
        AllocError.DoubleFree => "A slot was freed twice. It was found when its magazine went back to the blocks: the second free is earlier than this call.",
        AllocError.WrongSize => "A slot was freed with a size of another class. It was found when its magazine went back to the blocks, and went to its right class.",
        _ => "The pointer is not the start of a live slot or mapping of this allocator (a foreign or interior pointer, or one freed before).",
    };

    public static string Describe(AllocError error, nuint size, AllocatorStatistics figures)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Cannot allocate {size} bytes: {error}. {TextOf(error)} ");
        if (error == AllocError.LimitReached)
            text.Append(CultureInfo.InvariantCulture, $"The hard limit is {figures.HardLimitBytes} bytes, {figures.ChargedBytes} are charged. ");
        text.Append(CultureInfo.InvariantCulture, $"The allocator now: {figures.LiveBytes} bytes live, {figures.CachedBytes} cached, {figures.TouchedBytes} touched, ");
        text.Append(CultureInfo.InvariantCulture, $"{figures.CommittedBytes} committed, {figures.ReservedBytes} reserved; {figures.DirectCount} mappings of {figures.DirectBytes} bytes; {figures.CacheCount} caches.");
        return text.ToString();
    }
}
