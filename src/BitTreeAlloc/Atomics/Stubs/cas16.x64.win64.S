// int cas16(ulong* dst, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh)
// x86-64, Windows: rcx, rdx, r8, r9, [rsp + 40]; answer in eax (1 stored, 0 not). 35 bytes, position-free, a leaf without a frame.
//
// CMPXCHG16B compares rdx:rax with memory and stores rcx:rbx. rbx belongs to the caller and r10 does not: it is kept there rather than
// on the stack, so that the stub needs no unwind information. dst must be 16-byte aligned, or the instruction raises #GP.
        .intel_syntax noprefix
        .text
        .globl  cas16
cas16:
        mov     r10, rbx
        mov     r11, rcx
        mov     rax, rdx
        mov     rdx, r8
        mov     rbx, r9
        mov     rcx, [rsp + 40]
        lock cmpxchg16b [r11]
        sete    al
        movzx   eax, al
        mov     rbx, r10
        ret
