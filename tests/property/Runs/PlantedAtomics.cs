using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Property.Runs;

/// <summary>Wrong on purpose: a give leaves the highest page of the first word taken.</summary>
internal readonly unsafe struct ForgetsAPage : IAtomics
{
    public static ulong LoadAcquire(ulong* address, Site site) => HardwareAtomics.LoadAcquire(address, site);

    public static void StoreRelease(ulong* address, ulong value, Site site) => HardwareAtomics.StoreRelease(address, value, site);

    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) => HardwareAtomics.CompareExchangeAcqRel(address, expected, desired, site);

    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.ExchangeAcqRel(address, value, site);

    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.FetchAddAcqRel(address, value, site);

    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchAndAcqRel(address, site == Site.RunClear ? mask | (1ul << (63 - System.Numerics.BitOperations.LeadingZeroCount(~mask))) : mask, site);

    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchOrAcqRel(address, mask, site);

    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HardwareAtomics.LoadHalfAcquire(address, half, site);

    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) => HardwareAtomics.CompareExchange16AcqRel(address, expected, desired, site);

    public static void FenceSeqCst(Site site) => HardwareAtomics.FenceSeqCst(site);

    public static void FenceProcessWide(Site site) => HardwareAtomics.FenceProcessWide(site);

    public static ulong ReadPlain(ulong* address, Site site) => HardwareAtomics.ReadPlain(address, site);

    public static void WritePlain(ulong* address, ulong value, Site site) => HardwareAtomics.WritePlain(address, value, site);

    public static void WriteByte(byte* address, byte value, Site site) => HardwareAtomics.WriteByte(address, value, site);
}

/// <summary>Wrong on purpose: a give looks at the descriptor and leaves it there.</summary>
internal readonly unsafe struct LeavesTheDescriptor : IAtomics
{
    public static ulong LoadAcquire(ulong* address, Site site) => HardwareAtomics.LoadAcquire(address, site);

    public static void StoreRelease(ulong* address, ulong value, Site site) => HardwareAtomics.StoreRelease(address, value, site);

    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) => HardwareAtomics.CompareExchangeAcqRel(address, expected, desired, site);

    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.ExchangeAcqRel(address, site == Site.RunTakeOut ? *address : value, site);

    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => HardwareAtomics.FetchAddAcqRel(address, value, site);

    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchAndAcqRel(address, mask, site);

    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => HardwareAtomics.FetchOrAcqRel(address, mask, site);

    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => HardwareAtomics.LoadHalfAcquire(address, half, site);

    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) => HardwareAtomics.CompareExchange16AcqRel(address, expected, desired, site);

    public static void FenceSeqCst(Site site) => HardwareAtomics.FenceSeqCst(site);

    public static void FenceProcessWide(Site site) => HardwareAtomics.FenceProcessWide(site);

    public static ulong ReadPlain(ulong* address, Site site) => HardwareAtomics.ReadPlain(address, site);

    public static void WritePlain(ulong* address, ulong value, Site site) => HardwareAtomics.WritePlain(address, value, site);

    public static void WriteByte(byte* address, byte value, Site site) => HardwareAtomics.WriteByte(address, value, site);
}
