using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Atomics;

/// <summary>The embedded bytes are what an assembler makes of the sources beside them.</summary>
public sealed class CasStubSourceTests
{
    [FactIfTool("x86_64-linux-gnu-as", "x86_64-linux-gnu-objcopy")]
    public void X64_SystemV_bytes_are_the_assembled_source() => AssertAssembled("cas16.x64.sysv.S", "x86_64-linux-gnu-", CasStubCode.X64SystemV);

    // An x86-64 assembler of any object format encodes these instructions alike: the calling convention only chooses registers.
    [FactIfTool("x86_64-linux-gnu-as", "x86_64-linux-gnu-objcopy")]
    public void X64_Windows_bytes_are_the_assembled_source() => AssertAssembled("cas16.x64.win64.S", "x86_64-linux-gnu-", CasStubCode.X64Windows);

    [FactIfTool("x86_64-w64-mingw32-as", "x86_64-w64-mingw32-objcopy")]
    public void X64_Windows_bytes_are_what_a_Windows_assembler_makes() =>
        AssertAssembled("cas16.x64.win64.S", "x86_64-w64-mingw32-", CasStubCode.X64Windows, padded: true);

    [FactIfTool("aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy")]
    public void Arm64_bytes_are_the_assembled_source() => AssertAssembled("cas16.arm64.S", "aarch64-linux-gnu-", CasStubCode.Arm64Lse);

    private static void AssertAssembled(string source, string prefix, ReadOnlySpan<byte> embedded, bool padded = false)
    {
        var folder = Directory.CreateTempSubdirectory("cas16");
        try
        {
            var (compiled, raw) = (Path.Combine(folder.FullName, "cas16.o"), Path.Combine(folder.FullName, "cas16.bin"));
            Machine.Run(prefix + "as", "-o", compiled, Path.Combine(Machine.RepositoryRoot(), "src", "BitTreeAlloc", "Atomics", "Stubs", source));
            Machine.Run(prefix + "objcopy", "-O", "binary", "-j", ".text", compiled, raw);
            var assembled = File.ReadAllBytes(raw).AsSpan();

            // COFF sections are filled up to 16 bytes with no-operations.
            if (padded)
            {
                Assert.Equal((embedded.Length + 15) & ~15, assembled.Length);
                assembled = assembled[..embedded.Length];
            }

            Assert.Equal(Convert.ToHexString(embedded), Convert.ToHexString(assembled));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
