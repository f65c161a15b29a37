// int cas16(ulong* dst, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh)
// x86-64, System V: rdi, rsi, rdx, rcx, r8; answer in eax (1 stored, 0 not). 27 bytes, position-free, a leaf without a frame.
//
// CMPXCHG16B compares rdx:rax with memory and stores rcx:rbx. rbx belongs to the caller and r9 does not: it is kept there rather than
// on the stack, so that the stub needs no unwind information. dst must be 16-byte aligned, or the instruction raises #GP.
        .intel_syntax noprefix
        .text
        .globl  cas16
cas16:
        mov     r9, rbx
        mov     rax, rsi
        mov     rbx, rcx
        mov     rcx, r8
        lock cmpxchg16b [rdi]
        sete    al
        movzx   eax, al
        mov     rbx, r9
        ret
