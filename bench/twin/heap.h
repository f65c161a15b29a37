/* Owns: the layout of a heap and of a cache, and where their memory comes from. Addresses are reserved whole and get pages by being touched; nothing is given back before the heap is closed. */
#ifndef HEAP_H
#define HEAP_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "classes.h"
#include "tree.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define OUT(p, size) ASAN_UNPOISON_MEMORY_REGION((p), (size))
#define HOME(p, size) ASAN_POISON_MEMORY_REGION((p), (size))
#else
#define OUT(p, size) ((void)0)
#define HOME(p, size) ((void)0)
#endif

#define LINE __attribute__((aligned(128)))

static const uint64_t SPACE_BYTES = 8ull << 30;
static const uint64_t MAGAZINE_ARENA = 1ull << 30;
static const int LARGE_SHIFTS = 48;

/* Block word, high to low: free:24 (signed) | cursor:20 | ... | class:8 at 6 | phase:3 at 3 | zero | resident | claimed. */
enum { CLAIMED = 1, RESIDENT = 2, PHASE_SHIFT = 3, CLASS_SHIFT = 6, CURSOR_SHIFT = 20, FREE_SHIFT = 40, IN_USE = 1, EMPTY = 2 };
#define PHASE_MASK (7ull << PHASE_SHIFT)
#define CLASS_MASK (255ull << CLASS_SHIFT)
static inline int word_free(uint64_t word) { return (int)((int64_t)word >> FREE_SHIFT); }
static inline int word_cursor(uint64_t word) { return (int)(word >> CURSOR_SHIFT & 0xFFFFF); }
static inline int word_class(uint64_t word) { return (int)(word >> CLASS_SHIFT & 255); }
static inline int word_phase(uint64_t word) { return (int)(word >> PHASE_SHIFT & 7); }
static inline int word_is_available(uint64_t word, uint32_t capacity) { return word_free(word) > 0 || word_cursor(word) < (int)capacity; }
static inline int word_fits(uint64_t word, int size_class)
{
    return (word & (CLAIMED | PHASE_MASK | CLASS_MASK)) == (((uint64_t)IN_USE << PHASE_SHIFT) | ((uint64_t)size_class << CLASS_SHIFT));
}
static inline uint64_t word_born(int size_class) { return CLAIMED | RESIDENT | ((uint64_t)IN_USE << PHASE_SHIFT) | ((uint64_t)size_class << CLASS_SHIFT); }

typedef struct {
    Tree tree;
    char *base;
    uint64_t *words;
    uint64_t *bitmaps;
    uint64_t block_count;
    uint64_t bitmap_words;
    uint64_t repaired;
    int shift;
    int empty_column;
    uint64_t frontier LINE;
} Space;

typedef struct { uint64_t low, high; } __attribute__((aligned(16))) Head;

typedef struct {
    Head recycler LINE;
    uint64_t kept __attribute__((aligned(64)));
} ClassState;

typedef struct {
    Space spaces[KINDS];
    ClassState states[MOST_CLASSES];
    char *magazines;
    Head empties LINE;
    uint64_t magazines_next LINE;
    uint64_t granted LINE;
    uint64_t in_use LINE;
    uint64_t generation LINE;
    Head regions[48] LINE;
} Heap;

typedef struct {
    uint64_t *tops[MOST_CLASSES];
    uint64_t limits[MOST_CLASSES];
    Heap *heap;
    uint64_t sentinel;
    uint64_t busy LINE;
    uint64_t seen_generation;
    uint64_t spare_empty;
    uint64_t grant;
    int64_t pending_in_use;
    uint64_t refills, flushes;
    uint64_t spares[MOST_CLASSES];
    uint64_t last_blocks[MOST_CLASSES];
} Cache;

static void *reserve(uint64_t bytes)
{
    /* Aligned to 4 MiB, the largest block; what lies around is given back. */
    const uint64_t align = 4ull << 20;
    char *start = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        abort();
    char *aligned = (char *)(((uintptr_t)start + align - 1) & ~(align - 1));
    if (aligned != start)
        munmap(start, (size_t)(aligned - start));
    if (aligned + bytes != start + bytes + align)
        munmap(aligned + bytes, (size_t)(start + align - aligned));
    return aligned;
}

static void open_space(Space *space, int kind)
{
    int first = s_first_of_kind[kind], end = kind + 1 < KINDS ? s_first_of_kind[kind + 1] : s_class_count;
    uint64_t shift = s_classes[first].block_shift, count = SPACE_BYTES >> shift;
    space->shift = (int)shift;
    space->block_count = count;
    space->empty_column = end - first;
    space->tree.columns = (uint64_t)(end - first + 1);
    space->bitmap_words = (s_classes[first].capacity + 63) / 64;
    space->base = reserve(SPACE_BYTES);
    if (HUGE_FROM < SPACE_BYTES)
        madvise(space->base + HUGE_FROM, SPACE_BYTES - HUGE_FROM, MADV_HUGEPAGE);
    space->words = reserve(count * 8);
    space->bitmaps = reserve(count * space->bitmap_words * 8);
    space->tree.rows[0] = reserve((count / 64 + 1) * space->tree.columns * 8);
    space->tree.rows[1] = reserve((count / 4096 + 1) * space->tree.columns * 8);
    space->tree.rows[2] = reserve((count / 16384 + 1) * space->tree.columns * 8);
    space->tree.rows[3] = reserve(space->tree.columns * 8);
}

static void close_space(Space *space)
{
    uint64_t count = space->block_count;
    munmap(space->base, SPACE_BYTES);
    munmap(space->words, count * 8);
    munmap(space->bitmaps, count * space->bitmap_words * 8);
    munmap(space->tree.rows[0], (count / 64 + 1) * space->tree.columns * 8);
    munmap(space->tree.rows[1], (count / 4096 + 1) * space->tree.columns * 8);
    munmap(space->tree.rows[2], (count / 16384 + 1) * space->tree.columns * 8);
    munmap(space->tree.rows[3], space->tree.columns * 8);
}

#endif
