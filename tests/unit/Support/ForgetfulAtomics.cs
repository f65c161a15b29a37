using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>
/// Wrong on purpose: every 50th Or of a leaf is lost, a pop does not look at the generation, and the sweeper claims a block whatever became of it since it looked.
/// A check that passes on it checks nothing.
/// </summary>
internal readonly unsafe struct ForgetfulAtomics : IAtomics
{
    [ThreadStatic]
    private static int t_ors;

    public static ulong LoadAcquire(ulong* address, Site site) => HookedAtomics.LoadAcquire(address, site);

    public static void StoreRelease(ulong* address, ulong value, Site site) => HookedAtomics.StoreRelease(address, value, site);

    /// <summary>Looks at the low 32 bits of the narrow head alone: the index without the generation.</summary>
    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) =>
        site == Site.StackPop && (uint)HookedAtomics.LoadAcquire(address, site) == (uint)expected
            ? HookedAtomics.CompareExchangeAcqRel(address, *address, desired, site)
            : site == Site.SweepClaim ? HookedAtomics.CompareExchangeAcqRel(address, HookedAtomics.LoadAcquire(address, site), desired, site)
            : HookedAtomics.CompareExchangeAcqRel(address, expected, desired, site);

    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HookedAtomics.ExchangeAcqRel(address, value, site);

    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HookedAtomics.FetchAddAcqRel(address, value, site);

    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HookedAtomics.FetchAndAcqRel(address, mask, site);

    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) =>
        HookedAtomics.FetchOrAcqRel(address, site == Site.TreeSetLeaf && ++t_ors % 50 == 0 ? 0 : mask, site);

    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HookedAtomics.LoadHalfAcquire(address, half, site);

    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) =>
        HookedAtomics.CompareExchange16AcqRel(address, site == Site.StackPop && HookedAtomics.LoadHalfAcquire(address, 0, site) == expected.Low ? *address : expected, desired, site);

    public static void FenceSeqCst(Site site) => HookedAtomics.FenceSeqCst(site);

    public static void FenceProcessWide(Site site) => HookedAtomics.FenceProcessWide(site);

    public static ulong ReadPlain(ulong* address, Site site) => *address;

    public static void WritePlain(ulong* address, ulong value, Site site) => *address = value;

    public static void WriteByte(byte* address, byte value, Site site) => *address = value;
}
