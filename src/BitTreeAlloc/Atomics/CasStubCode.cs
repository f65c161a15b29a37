namespace BitTreeAlloc.Atomics;

/// <summary>The stub's machine code, assembled from the sources in <c>Stubs/</c>. A test assembles them again and compares.</summary>
/// <remarks>Signature of each: <c>int cas16(ulong* dst, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh)</c>.</remarks>
internal static class CasStubCode
{
    /// <summary>Stubs/cas16.x64.sysv.S: x86-64 on Linux and macOS. Needs CMPXCHG16B.</summary>
    public static ReadOnlySpan<byte> X64SystemV =>
    [
        0x49, 0x89, 0xD9,             // mov     r9, rbx
        0x48, 0x89, 0xF0,             // mov     rax, rsi
        0x48, 0x89, 0xCB,             // mov     rbx, rcx
        0x4C, 0x89, 0xC1,             // mov     rcx, r8
        0xF0, 0x48, 0x0F, 0xC7, 0x0F, // lock cmpxchg16b [rdi]
        0x0F, 0x94, 0xC0,             // sete    al
        0x0F, 0xB6, 0xC0,             // movzx   eax, al
        0x4C, 0x89, 0xCB,             // mov     rbx, r9
        0xC3,                         // ret
    ];

    /// <summary>Stubs/cas16.x64.win64.S: x86-64 on Windows. Needs CMPXCHG16B. Assembled and compared, not yet run.</summary>
    public static ReadOnlySpan<byte> X64Windows =>
    [
        0x49, 0x89, 0xDA,             // mov     r10, rbx
        0x49, 0x89, 0xCB,             // mov     r11, rcx
        0x48, 0x89, 0xD0,             // mov     rax, rdx
        0x4C, 0x89, 0xC2,             // mov     rdx, r8
        0x4C, 0x89, 0xCB,             // mov     rbx, r9
        0x48, 0x8B, 0x4C, 0x24, 0x28, // mov     rcx, [rsp + 40]
        0xF0, 0x49, 0x0F, 0xC7, 0x0B, // lock cmpxchg16b [r11]
        0x0F, 0x94, 0xC0,             // sete    al
        0x0F, 0xB6, 0xC0,             // movzx   eax, al
        0x4C, 0x89, 0xD3,             // mov     rbx, r10
        0xC3,                         // ret
    ];

    /// <summary>Stubs/cas16.arm64.S: ARM64 on every system (AAPCS64). Needs LSE. Assembled and compared, not yet run.</summary>
    public static ReadOnlySpan<byte> Arm64Lse =>
    [
        0xE6, 0x03, 0x01, 0xAA, // mov     x6, x1
        0xE7, 0x03, 0x02, 0xAA, // mov     x7, x2
        0xE8, 0x03, 0x03, 0xAA, // mov     x8, x3
        0xE9, 0x03, 0x04, 0xAA, // mov     x9, x4
        0x08, 0xFC, 0x66, 0x48, // caspal  x6, x7, x8, x9, [x0]
        0xDF, 0x00, 0x01, 0xEB, // cmp     x6, x1
        0xE0, 0x00, 0x42, 0xFA, // ccmp    x7, x2, #0, eq
        0xE0, 0x17, 0x9F, 0x1A, // cset    w0, eq
        0xC0, 0x03, 0x5F, 0xD6, // ret
    ];
}
