// int cas16(ulong* dst, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh)
// ARM64 with LSE, AAPCS64: x0 … x4; answer in w0 (1 stored, 0 not). 36 bytes, position-free, a leaf without a frame.
//
// CASPAL wants each pair in an even register and the next: x6:x7 expected, x8:x9 desired. It leaves what it read in x6:x7, hence the
// compare with the originals. Acquire and release, also where it fails. dst must be 16-byte aligned, or the instruction faults.
        .arch   armv8.1-a
        .text
        .globl  cas16
cas16:
        mov     x6, x1
        mov     x7, x2
        mov     x8, x3
        mov     x9, x4
        caspal  x6, x7, x8, x9, [x0]
        cmp     x6, x1
        ccmp    x7, x2, #0, eq
        cset    w0, eq
        ret
