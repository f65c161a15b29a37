using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>The shipped atomics with a hook before every access and fence of the calling thread: it lets others run in between, or stops the thread there by throwing.</summary>
internal readonly unsafe struct HookedAtomics : IAtomics
{
    [ThreadStatic]
    private static Action<Site>? t_before;

    /// <summary>Runs an action with the hook in place. The hook itself is not hooked.</summary>
    public static void With(Action<Site> before, Action action)
    {
        t_before = before;
        try
        {
            action();
        }
        finally
        {
            t_before = null;
        }
    }

    /// <summary>Runs an action that stops for ever before its <paramref name="k"/>-th access. False when it came to its end instead.</summary>
    public static bool StopAt(int k, Action action)
    {
        try
        {
            With(_ => k = --k == 0 ? throw new StoppedException() : k, action);
            return false;
        }
        catch (StoppedException)
        {
            return true;
        }
    }

    /// <summary>As <see cref="StopAt(int, Action)"/>, before the first access at a site.</summary>
    public static bool StopAt(Site site, Action action)
    {
        try
        {
            With(at => _ = at == site ? throw new StoppedException() : 0, action);
            return false;
        }
        catch (StoppedException)
        {
            return true;
        }
    }

    public static ulong LoadAcquire(ulong* address, Site site) => HardwareAtomics.LoadAcquire(At(address, site), site);

    public static void StoreRelease(ulong* address, ulong value, Site site) => HardwareAtomics.StoreRelease(At(address, site), value, site);

    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) =>
        HardwareAtomics.CompareExchangeAcqRel(At(address, site), expected, desired, site);

    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.ExchangeAcqRel(At(address, site), value, site);

    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.FetchAddAcqRel(At(address, site), value, site);

    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchAndAcqRel(At(address, site), mask, site);

    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchOrAcqRel(At(address, site), mask, site);

    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HardwareAtomics.LoadHalfAcquire((Word16*)At((ulong*)address, site), half, site);

    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) =>
        HardwareAtomics.CompareExchange16AcqRel((Word16*)At((ulong*)address, site), expected, desired, site);

    public static void FenceSeqCst(Site site)
    {
        _ = At(null, site);
        HardwareAtomics.FenceSeqCst(site);
    }

    public static void FenceProcessWide(Site site)
    {
        _ = At(null, site);
        HardwareAtomics.FenceProcessWide(site);
    }

    public static ulong ReadPlain(ulong* address, Site site) => *At(address, site);

    public static void WritePlain(ulong* address, ulong value, Site site) => *At(address, site) = value;

    public static void WriteByte(byte* address, byte value, Site site) => *(byte*)At((ulong*)address, site) = value;

    private static ulong* At(ulong* address, Site site)
    {
        var before = t_before;
        if (before is null)
            return address;
        t_before = null;
        before(site);
        t_before = before;
        return address;
    }
}

/// <summary>A thread that was stopped and never goes on.</summary>
internal sealed class StoppedException : Exception;
