using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Doubles;

/// <summary>From the third allocation on, hands out a slot that may be live.</summary>
internal sealed class OverlappingSlots(Setup setup) : NativeDouble(setup)
{
    private int _calls;
    private bool _moving;

    public override AllocError Serve(in Step step, nuint old, out nuint address)
    {
        _moving = step.Verb == Verb.Realloc;
        return base.Serve(step, old, out address);
    }

    protected override nuint Take(nuint size, nuint alignment)
    {
        var (last, usable) = Usable.LastOrDefault();
        return ++_calls >= 3 && !_moving && alignment == 0 && usable >= GoodSize(size) ? last : base.Take(size, alignment);
    }
}

/// <summary>Realloc forgets the last byte of what it moves.</summary>
internal sealed class LosesContentOnRealloc(Setup setup) : NativeDouble(setup)
{
    protected override void Move(nuint from, nuint to, nuint bytes) => base.Move(from, to, bytes - Math.Min(bytes, 1));
}

/// <summary>Zeroed memory of more than 100 bytes has one byte of its past.</summary>
internal sealed unsafe class DirtyZeroedMemory(Setup setup) : NativeDouble(setup)
{
    protected override void Zero(nuint address, nuint usable)
    {
        base.Zero(address, usable);
        if (usable > 100)
            ((byte*)address)[64] = 0xA5;
    }
}

/// <summary>Says more than there is for sizes of one class.</summary>
internal sealed class WrongUsableSize(Setup setup) : NativeDouble(setup)
{
    public override nuint UsableSize(nuint address) => base.UsableSize(address) is 192 ? 208 : base.UsableSize(address);
}

/// <summary>A sized free forgets to count.</summary>
internal sealed class DriftingCounter(Setup setup) : NativeDouble(setup)
{
    private nuint _drift;

    public override AllocError Free(in Step step, nuint address, nuint size, nuint alignment)
    {
        _drift += step.Verb == Verb.FreeSized ? 8u : 0u;
        return base.Free(step, address, size, alignment);
    }

    public override Figures Figures() => base.Figures() with { LiveBytes = base.Figures().LiveBytes + _drift };
}

/// <summary>A free writes into another live block, as an allocator with headers in user memory would.</summary>
internal sealed unsafe class FreeWritesUserMemory(Setup setup) : NativeDouble(setup)
{
    protected override void GiveBack(nuint address)
    {
        base.GiveBack(address);
        foreach (var (other, usable) in Usable)
            if (usable >= 64)
                ((byte*)other)[7] ^= 0x80;
    }
}

/// <summary>Alignments of a page and more are forgotten.</summary>
internal sealed class ForgetsLargeAlignments(Setup setup) : NativeDouble(setup)
{
    protected override nuint Take(nuint size, nuint alignment) => Take(size, alignment, skew: alignment >= 4096 ? 64u : 0u);
}

/// <summary>A refused request tells the wrong reason.</summary>
internal sealed class WrongReason(Setup setup) : NativeDouble(setup)
{
    public override AllocError Serve(in Step step, nuint old, out nuint address)
    {
        var error = base.Serve(step, old, out address);
        return error == AllocError.SizeTooLarge ? AllocError.CommitRefused : error;
    }
}
