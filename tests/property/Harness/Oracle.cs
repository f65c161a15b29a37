namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>
/// What must hold after each call, from the specification alone: live ranges never overlap (usable sizes included), contents stay, zeroed memory is zero, alignment, usable size, and figures.
/// </summary>
internal sealed class Oracle(Setup setup, IAllocatorUnderTest allocator)
{
    private readonly Dictionary<int, LiveBlock> _live = [];
    private readonly IntervalSet _ranges = new();

    // The usable size of a region or mapping that realloc left where it was: it may keep pages that a new request would not get.
    private nuint _stayed;

    public IEnumerable<int> LiveBlocks => _live.Keys;

    public bool IsLive(int block) => _live.ContainsKey(block);

    public LiveBlock this[int block] => _live[block];

    /// <summary>A block was handed out.</summary>
    public void Made(int token, nuint address, nuint size, nuint alignment, bool zeroed)
    {
        var block = new LiveBlock(address, size, alignment, allocator.UsableSize(address), Seed(token));
        block = block with { IsDirect = _stayed != 0 || block.Usable > BitTreeAllocator.MaxMediumSize || alignment > BitTreeAllocator.MaxMediumSize };
        Require(address != 0, $"block {token}: the address is null and no error was told");
        RequireAligned(token, block);
        RequireUsable(token, block);
        if (!_ranges.TryAdd(address, block.Usable, token, out var other))
            throw new OracleViolation($"block {token} at {address:x} ({block.Usable} usable bytes) overlaps live block {other} at {_live[other].Address:x} ({_live[other].Usable} usable bytes)");
        Require(allocator.Owns(address) && allocator.Owns(address + block.Usable - 1), $"block {token}: Owns denies a live block");
        if (zeroed)
        {
            var at = Content.FirstNonZero(address, size);
            Require(at < 0, $"block {token}: zeroed memory of {size} bytes has a byte that is not zero at offset {at}");
        }

        Content.Fill(address, size, block.Seed);
        _live.Add(token, block);
    }

    /// <summary>A block was moved or resized: min(old, new) bytes are as they were.</summary>
    public void Resized(int token, nuint address, nuint newSize, nuint alignment)
    {
        var old = _live[token];
        RequireContent(token, old with { Address = address }, Math.Min(old.Size, newSize), "realloc lost contents");
        Forget(token);
        _stayed = address == old.Address && old.IsDirect ? old.Usable : 0;
        Made(token, address, newSize, alignment, zeroed: false);
        _stayed = 0;
    }

    public void Verify(int token) => RequireContent(token, _live[token], _live[token].Size, "contents changed");

    /// <summary>A block goes back: called before the allocator frees it.</summary>
    public void Forget(int token)
    {
        _ranges.Remove(_live[token].Address);
        _live.Remove(token);
    }

    public void CompareFigures()
    {
        var figures = allocator.Figures();
        nuint live = 0, direct = 0;
        var directCount = 0L;
        var slots = new Dictionary<int, long>();
        foreach (var block in _live.Values)
        {
            live += block.Usable;
            if (block.IsDirect)
                (direct, directCount) = (direct + block.Usable, directCount + 1);
            else
                slots[(int)block.Usable] = slots.GetValueOrDefault((int)block.Usable) + 1;
        }

        Require(figures.LiveBytes == live, $"LiveBytes is {figures.LiveBytes}, the sum over live blocks is {live}");
        Require(figures.DirectBytes == direct, $"the bytes of regions and mappings are {figures.DirectBytes}, the sum over live blocks above the medium limit is {direct}");
        Require(figures.DirectCount == directCount, $"regions and mappings count {figures.DirectCount}, there are {directCount}");
        foreach (var (size, count) in figures.LiveSlots)
            Require(count == slots.GetValueOrDefault(size), $"class {size} counts {count} live slots, there are {slots.GetValueOrDefault(size)}");
        Require(slots.Keys.All(figures.LiveSlots.ContainsKey), "a usable size is no class of the statistics");
        Require(figures.CommittedBytes >= live, $"CommittedBytes {figures.CommittedBytes} is below the live bytes {live}");
        Require(figures.ReservedBytes >= figures.CommittedBytes, $"ReservedBytes {figures.ReservedBytes} is below CommittedBytes {figures.CommittedBytes}");
    }

    private void RequireAligned(int token, in LiveBlock block)
    {
        var needed = Math.Max(block.Alignment, block.Alignment == 0 ? Sizes.NaturalAlignment(block.Size, setup.MinimumAlignment) : (nuint)setup.MinimumAlignment);
        if (block.Size > BitTreeAllocator.MaxSmallSize)
            needed = Math.Max(needed, 4096);
        Require(block.Address % needed == 0, $"block {token} of {block.Size} bytes at {block.Address:x} is not aligned to {needed}");
    }

    // A minimum alignment of 16 rounds the request, an explicit one may take the slot of the next multiple: no more than that may be handed out.
    private void RequireUsable(int token, in LiveBlock block)
    {
        var (size, usable) = (Math.Max(block.Size, 1), block.Usable);
        Require(usable >= size, $"block {token}: usable size {usable} is below the {block.Size} requested bytes");
        if (_stayed != 0 && Math.Max(size, block.Alignment) > BitTreeAllocator.MaxMediumSize && usable <= _stayed)
            return;
        var unit = Math.Max(block.Alignment, (nuint)setup.MinimumAlignment);
        var rounded = (Math.Max(size, unit) + unit - 1) / unit * unit;
        var isMedium = rounded > BitTreeAllocator.MaxSmallSize && rounded <= BitTreeAllocator.MaxMediumSize;
        if (block.Alignment == 0 && setup.MinimumAlignment == 8 && !isMedium)
            Require(usable == allocator.GoodSize(block.Size), $"block {token}: usable size {usable}, GoodSize({block.Size}) is {allocator.GoodSize(block.Size)}");

        // A medium size may get a touched slot of a class up to four steps, at most twice, longer.
        var most = allocator.GoodSize(rounded) * (isMedium ? 2u : 1u);
        Require(usable <= most, $"block {token}: usable size {usable} for {block.Size} bytes aligned to {unit}, more than {most}");
    }

    private static void RequireContent(int token, in LiveBlock block, nuint limit, string what)
    {
        var at = Content.FirstDifference(block.Address, block.Size, block.Seed, limit);
        Require(at < 0, $"block {token} of {block.Size} bytes at {block.Address:x}: {what} at offset {at}");
    }

    private static ulong Seed(int token) => (ulong)(token + 1) * 0x2545F4914F6CDD1D;

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new OracleViolation(message);
    }
}

/// <summary>A live block as the oracle knows it. An alignment of 0 means that none was asked for; direct is a region or a mapping of its own, above the medium limit by size or alignment.</summary>
internal readonly record struct LiveBlock(nuint Address, nuint Size, nuint Alignment, nuint Usable, ulong Seed, bool IsDirect = false);
