/* The numbers that a sweep decides, each a macro with the shipped value: compile with -DNAME=VALUE for another shape. */
#ifndef SHAPE_H
#define SHAPE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of slots in one magazine, and the most slots whatever their size. Three words of a magazine are its header, and its words are a power of two: 125 of 128. */
#ifndef MAGAZINE_BYTES
#define MAGAZINE_BYTES (64 << 10)
#endif
#ifndef MAGAZINE_SLOTS
#define MAGAZINE_SLOTS 125
#endif
#ifndef MIN_MAGAZINE_SLOTS
#define MIN_MAGAZINE_SLOTS 4
#endif

/* Classes per doubling from 64 B to 8 KiB; steps of 8 bytes below, four per doubling above. */
#ifndef CLASSES_PER_DOUBLING
#define CLASSES_PER_DOUBLING 8
#endif

/* log2 of the bytes of a block: of classes to 32 B, and of those to 64 KiB. */
#ifndef TINY_BLOCK_SHIFT
#define TINY_BLOCK_SHIFT 14
#endif
#ifndef BLOCK_SHIFT
#define BLOCK_SHIFT 16
#endif

/* 1: the first slot of a block begins (block number mod COLOURS) cache lines behind the block's start. */
#ifndef COLOUR
#define COLOUR 0
#endif
#define COLOURS 16

/* 0: none. 1: a refill prefetches the first line of each slot for writing. 2: each allocation prefetches the slot that comes next. */
#ifndef PREFETCH
#define PREFETCH 0
#endif

/* 0: a refill puts the lowest address lowest, so that the highest is given out first. 1: the other way round. */
#ifndef REFILL_ORDER
#define REFILL_ORDER 0
#endif

/* Bytes of the compare-exchange at the head of a recycler: 16, or 8 with an index and a generation in one word. */
#ifndef RECYCLER_CAS
#define RECYCLER_CAS 16
#endif

/* Bytes of full magazines in the recycler of one class; bytes that all caches and recyclers may hold. */
#ifndef RECYCLER_BYTES
#define RECYCLER_BYTES (320 << 10)
#endif
#ifndef BUDGET_BYTES
#define BUDGET_BYTES (8 << 20)
#endif

/* Offset into a stretch of blocks from which on huge pages are asked for. */
#ifndef HUGE_FROM
#define HUGE_FROM (32ull << 20)
#endif

/* Planted faults, which the self-check has to find. 1: a take leaves the bits set. 2: a carve reaches one slot back. 3: a flush loses its last slot. */
#ifndef PLANT
#define PLANT 0
#endif

enum {
    HEADER_WORDS = 3,
    SENTINEL = 2,
    MAGAZINE_WORDS = MAGAZINE_SLOTS + HEADER_WORDS <= 16 ? 16
        : MAGAZINE_SLOTS + HEADER_WORDS <= 32 ? 32
        : MAGAZINE_SLOTS + HEADER_WORDS <= 64 ? 64
        : MAGAZINE_SLOTS + HEADER_WORDS <= 128 ? 128
        : MAGAZINE_SLOTS + HEADER_WORDS <= 256 ? 256 : 512,
    TABLE_LIMIT = 8192,
    MAX_SMALL = 64 << 10,
    MAX_SIZE = 2 << 20,
    MEDIUM_MAGAZINE_BYTES = 256 << 10,
    MOST_CLASSES = 192,
    KINDS = 4,
};

_Static_assert(MAGAZINE_SLOTS + HEADER_WORDS <= MAGAZINE_WORDS, "a magazine has 509 slots at most");
_Static_assert(BLOCK_SHIFT <= 19 && TINY_BLOCK_SHIFT <= 17, "a bitmap has 256 words at most");
_Static_assert(CLASSES_PER_DOUBLING == 4 || CLASSES_PER_DOUBLING == 8 || CLASSES_PER_DOUBLING == 16, "4, 8 or 16 classes per doubling");

typedef struct {
    uint32_t slot_size;
    uint32_t capacity;
    uint32_t magazine_slots;
    uint32_t recycler_depth;
    uint32_t reciprocal;
    uint16_t column;
    uint8_t kind;
    uint8_t block_shift;
    uint8_t unit_shift;
} ClassInfo;

#define NOINLINE __attribute__((noinline))
#define EXPORT __attribute__((visibility("default")))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define LOAD(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ADD(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define EXCHANGE(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

static inline int cas(uint64_t *p, uint64_t expected, uint64_t value)
{
    return __atomic_compare_exchange_n(p, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

#endif
