using System.Runtime.InteropServices;
using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Doubles;

/// <summary>A correct allocator over NativeMemory with the stated classes: what the harness must accept, and what the planted bugs are written over.</summary>
internal unsafe class NativeDouble(Setup setup) : IAllocatorUnderTest
{
    private readonly List<nuint> _mapped = [];
    private readonly HashSet<nuint> _direct = [];

    protected Dictionary<nuint, nuint> Usable { get; } = [];

    public long Denied => 0;

    public virtual AllocError Serve(in Step step, nuint old, out nuint address)
    {
        address = 0;
        var size = step.Verb == Verb.AllocCounted ? step.Size * step.Alignment : step.Size;
        var alignment = step.Verb is Verb.AllocAligned or Verb.Realloc ? step.Alignment : 0;
        if (step.Verb == Verb.AllocAligned && (alignment > BitTreeAllocator.MaxAlignment || !System.Numerics.BitOperations.IsPow2(alignment)))
            return AllocError.BadAlignment;
        if (size > BitTreeAllocator.MaxSize)
            return AllocError.SizeTooLarge;
        address = Take(size, alignment);
        if (step.Verb is Verb.AllocZeroed or Verb.AllocCounted)
            Zero(address, Usable[address]);
        if (step.Verb == Verb.Realloc)
        {
            Move(old, address, Math.Min(Usable[old], size));
            GiveBack(old);
        }

        return AllocError.None;
    }

    public virtual AllocError Free(in Step step, nuint address, nuint size, nuint alignment)
    {
        GiveBack(address);
        return AllocError.None;
    }

    public void Manage(in Step step)
    {
    }

    public virtual nuint UsableSize(nuint address) => Usable.GetValueOrDefault(address);

    public bool Owns(nuint address) => Usable.Any(range => address >= range.Key && address < range.Key + range.Value);

    public nuint GoodSize(nuint size) =>
        size > BitTreeAllocator.MaxMediumSize ? (size + 0x1FFFFF) >> 21 << 21 : (nuint)Sizes.Classes.First(slot => slot >= (long)size);

    public virtual Figures Figures()
    {
        nuint live = 0, direct = 0;
        foreach (var (address, size) in Usable)
        {
            live += size;
            direct += IsDirect(address) ? size : 0;
        }

        var slots = Usable.Where(range => !IsDirect(range.Key)).GroupBy(range => (int)range.Value).ToDictionary(group => group.Key, group => (long)group.Count());
        return new Figures(live, direct, Usable.Keys.Count(IsDirect), live, live, slots);
    }

    public void Dispose()
    {
        foreach (var address in _mapped)
            NativeMemory.AlignedFree((void*)address);
    }

    protected virtual nuint Take(nuint size, nuint alignment) => Take(size, alignment, skew: 0);

    /// <summary>A skew moves a block away from its alignment, for a bug that shows on every run.</summary>
    protected nuint Take(nuint size, nuint alignment, nuint skew)
    {
        var unit = Math.Max(alignment, (nuint)setup.MinimumAlignment);
        var usable = GoodSize((Math.Max(size, 1) + unit - 1) / unit * unit);
        var aligned = Math.Max(unit, size > BitTreeAllocator.MaxSmallSize ? 4096 : Sizes.NaturalAlignment(size, 8));
        var mapped = (nuint)NativeMemory.AlignedAlloc(usable + skew, aligned);
        NativeMemory.Fill((void*)mapped, Math.Min(usable, 65536), 0xA5);
        _mapped.Add(mapped);
        Usable.Add(mapped + skew, usable);
        if (alignment > BitTreeAllocator.MaxMediumSize)
            _direct.Add(mapped + skew);
        return mapped + skew;
    }

    private bool IsDirect(nuint address) => Usable[address] > BitTreeAllocator.MaxMediumSize || _direct.Contains(address);

    protected virtual void Zero(nuint address, nuint usable) => NativeMemory.Clear((void*)address, usable);

    protected virtual void Move(nuint from, nuint to, nuint bytes) => NativeMemory.Copy((void*)from, (void*)to, bytes);

    // A planted bug may hand out one address twice: memory stays mapped until the end.
    protected virtual void GiveBack(nuint address)
    {
        Usable.Remove(address);
        _direct.Remove(address);
    }
}
