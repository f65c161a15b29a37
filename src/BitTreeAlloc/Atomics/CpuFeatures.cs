using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace BitTreeAlloc.Atomics;

/// <summary>Whether the processor has the instruction that a stub consists of. .NET reports neither.</summary>
internal static unsafe partial class CpuFeatures
{
    private const int Cx16Bit = 13; // CPUID(1).ECX
    private const nuint AtHwcap = 16;
    private const int HwcapAtomicsBit = 8;
    private const uint PfArmV81Atomics = 34;

    /// <summary>Whether this x86-64 processor has CMPXCHG16B (all but the first AMD64 ones).</summary>
    public static bool HasCmpXchg16B() => X86Base.IsSupported && (X86Base.CpuId(1, 0).Ecx & (1 << Cx16Bit)) != 0;

    /// <summary>Whether this ARM64 processor has LSE (ARMv8.1), as the system tells it: user code may not read the identification registers.</summary>
    public static bool HasLse()
    {
        if (OperatingSystem.IsLinux())
            return (GetAuxiliaryValue(AtHwcap) & (1u << HwcapAtomicsBit)) != 0;
        if (OperatingSystem.IsWindows())
            return IsProcessorFeaturePresent(PfArmV81Atomics) != 0;
        if (!OperatingSystem.IsMacOS())
            return false;

        var value = 0;
        nuint bytes = sizeof(int);
        fixed (byte* name = "hw.optional.armv8_1_atomics\0"u8)
            return SystemControlByName(name, &value, &bytes, null, 0) == 0 && value != 0;
    }

    [LibraryImport("libc", EntryPoint = "getauxval")]
    private static partial nuint GetAuxiliaryValue(nuint type);

    [LibraryImport("kernel32")]
    private static partial int IsProcessorFeaturePresent(uint feature);

    [LibraryImport("libc", EntryPoint = "sysctlbyname")]
    private static partial int SystemControlByName(byte* name, void* oldValue, nuint* oldBytes, void* newValue, nuint newBytes);
}
