namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>A mistake that happens once, in the first call that suits after a number of others.</summary>
internal abstract class PlantedOnce(BitTreeAllocator allocator) : SoakCalls(allocator)
{
    private const int Before = 400;

    private int _calls;
    private int _done;

    protected bool Now(bool suits) => Interlocked.Increment(ref _calls) > Before && suits && Interlocked.Exchange(ref _done, 1) == 0;
}

/// <summary>Hands a live slot out a second time.</summary>
internal sealed class HandsASlotOutTwice(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    private nuint _victim;

    public override AllocError Take(SoakVerb verb, ref ThreadCache cache, bool ambient, nuint size, nuint alignment, out nuint address)
    {
        var suits = verb is SoakVerb.Alloc or SoakVerb.TryAlloc && size is >= 16 and <= 64 && size % 16 != 0;
        if (suits && Volatile.Read(ref _victim) is var victim and not 0 && Now(true))
        {
            address = victim;
            return AllocError.None;
        }

        var error = base.Take(verb, ref cache, ambient, size, alignment, out address);
        if (verb is SoakVerb.Alloc or SoakVerb.TryAlloc && size == 64 && error == AllocError.None)
            Volatile.Write(ref _victim, address);
        return error;
    }

    public override void GiveBack(ref ThreadCache cache, bool ambient, bool sized, nuint address, nuint size, nuint alignment)
    {
        _ = Interlocked.CompareExchange(ref _victim, 0, address);
        base.GiveBack(ref cache, ambient, sized, address, size, alignment);
    }
}

/// <summary>Changes one byte of somebody's memory.</summary>
internal sealed unsafe class ChangesOneByte(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override AllocError Resize(ref ThreadCache cache, bool ambient, nuint old, nuint size, nuint alignment, out nuint address)
    {
        var error = base.Resize(ref cache, ambient, old, size, alignment, out address);
        if (error == AllocError.None && Now(Math.Min(size, Allocator.UsableSize((void*)address)) >= 8))
            *(byte*)address ^= 0x10;
        return error;
    }
}

/// <summary>Forgets one free.</summary>
internal sealed class ForgetsOneFree(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override void GiveBack(ref ThreadCache cache, bool ambient, bool sized, nuint address, nuint size, nuint alignment)
    {
        if (!Now(true))
            base.GiveBack(ref cache, ambient, sized, address, size, alignment);
    }
}

/// <summary>Frees one block twice.</summary>
internal sealed class FreesOneTwice(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override void GiveBack(ref ThreadCache cache, bool ambient, bool sized, nuint address, nuint size, nuint alignment)
    {
        base.GiveBack(ref cache, ambient, sized, address, size, alignment);
        if (Now(true))
            base.GiveBack(ref cache, ambient, sized, address, size, alignment);
    }
}

/// <summary>One zeroed slot has a byte of its past.</summary>
internal sealed unsafe class LeavesOneByteDirty(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override AllocError Take(SoakVerb verb, ref ThreadCache cache, bool ambient, nuint size, nuint alignment, out nuint address)
    {
        var error = base.Take(verb, ref cache, ambient, size, alignment, out address);
        if (Now(error == AllocError.None && verb is SoakVerb.AllocZeroed or SoakVerb.TryAllocZeroed))
            ((byte*)address)[Allocator.UsableSize((void*)address) - 1] = 1;
        return error;
    }
}

/// <summary>Refuses once for a reason that is none of the system's.</summary>
internal sealed class RefusesForNoReason(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override AllocError Take(SoakVerb verb, ref ThreadCache cache, bool ambient, nuint size, nuint alignment, out nuint address)
    {
        address = 0;
        return Now(true) ? AllocError.Disabled : base.Take(verb, ref cache, ambient, size, alignment, out address);
    }
}

/// <summary>One free never returns.</summary>
internal sealed class NeverReturns(BitTreeAllocator allocator) : PlantedOnce(allocator)
{
    public override void GiveBack(ref ThreadCache cache, bool ambient, bool sized, nuint address, nuint size, nuint alignment)
    {
        if (Now(true))
            Thread.Sleep(Timeout.Infinite);
        base.GiveBack(ref cache, ambient, sized, address, size, alignment);
    }
}
