using System.Runtime.InteropServices;

namespace BitTreeAlloc.Atomics;

/// <summary>Finds the stub for this machine, makes it executable and tries it once. Runs once per process, before the first use of <see cref="CasStub"/>.</summary>
internal static unsafe class CasStubInstaller
{
    /// <summary>The entry of the stub and an empty reason, or 0 and the reason why there is none. Throws nothing.</summary>
    public static (nint Entry, string Reason) Install()
    {
        // All is caught: an exception out of a type initialiser would turn a missing instruction into an allocator that cannot be made at all.
        try
        {
            var reason = Missing(out var code);
            if (reason.Length != 0)
                return (0, reason);
            reason = ExecutablePage.Create(code, out var entry);
            if (reason.Length != 0)
                return (0, reason);
            return Works(entry) ? (entry, "") : (0, "the 16-byte compare-exchange stub gave a wrong answer in its self-test");
        }
        catch (Exception e)
        {
            return (0, $"the 16-byte compare-exchange stub could not be installed: {e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>Empty and the code that fits the machine, or why there is none.</summary>
    private static string Missing(out ReadOnlySpan<byte> code)
    {
        code = default;
        var windows = OperatingSystem.IsWindows();
        if (!windows && !OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return "no 16-byte compare-exchange stub is written for this operating system";
        switch (RuntimeInformation.ProcessArchitecture)
        {
            case Architecture.X64:
                code = windows ? CasStubCode.X64Windows : CasStubCode.X64SystemV;
                return CpuFeatures.HasCmpXchg16B() ? "" : "the processor has no CMPXCHG16B";
            case Architecture.Arm64:
                code = CasStubCode.Arm64Lse;
                return CpuFeatures.HasLse() ? "" : "the processor has no LSE atomics (CASP)";
            default:
                return $"no 16-byte compare-exchange stub is written for {RuntimeInformation.ProcessArchitecture}";
        }
    }

    /// <summary>Four answers that a right stub gives: stored, and refused for the low half, the high half and both.</summary>
    private static bool Works(nint entry)
    {
        var stub = (delegate* unmanaged[SuppressGCTransition]<Word16*, ulong, ulong, ulong, ulong, int>)entry;
        var space = stackalloc byte[32];
        var word = (Word16*)(((nuint)space + 15) & ~(nuint)15);
        *word = new Word16(1, 2);
        var refused = stub(word, 3, 2, 8, 9) == 0 && stub(word, 1, 3, 8, 9) == 0 && stub(word, 2, 1, 8, 9) == 0 && *word is { Low: 1, High: 2 };
        return refused && stub(word, 1, 2, 4, 5) == 1 && *word is { Low: 4, High: 5 };
    }
}
