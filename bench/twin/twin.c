/*
 * The allocator of src/BitTreeAlloc in C: size classes, bounded magazines in metadata, refill from bitmaps, flush, budget, recycler; no purge, no regions, no limits, no checked level. It exists to be
 * measured: beside the C# it tells what the language costs, and compiled with other numbers (shape.h) what a shape costs.
 */
#include <sched.h>
#include <stdio.h>

#include "cache.h"

typedef struct { uint64_t size; uint32_t id; uint8_t op; uint8_t align_log2; uint16_t thread; } Event;
enum { OP_MALLOC, OP_FREE, OP_CALLOC, OP_REALLOC, OP_MEMALIGN, OP_FREE_ALIGNED, OP_REALLOC_ALIGNED };

/* What a loop runs over; the same words as bench/BitTreeAlloc.Bench/Twin/LoopPlan.cs. */
typedef struct {
    const uint32_t *sizes;
    const uint32_t *order;
    void **held;
    uint32_t *held_sizes;
    uint64_t *ring;
    const Event *events;
    uint64_t size_mask;
    uint64_t mask;
    uint64_t count;
} Plan;

typedef struct {
    void *(*malloc)(size_t);
    void (*free)(void *);
} Peer;

static inline void put_all(void *p, size_t size, uint64_t stamp)
{
    uint64_t word = stamp * 0x9E3779B97F4A7C15ull + size;
    memcpy(p, &stamp, size < 8 ? size : 8);
    for (size_t at = 8; at + 8 <= size; at += 8)
        *(uint64_t *)((char *)p + at) = word + at;
}

static inline int bad_all(const void *p, size_t size, uint64_t stamp)
{
    uint64_t word = stamp * 0x9E3779B97F4A7C15ull + size;
    int bad = memcmp(p, &stamp, size < 8 ? size : 8) != 0;
    for (size_t at = 8; at + 8 <= size; at += 8)
        bad |= *(const uint64_t *)((const char *)p + at) != word + at;
    return bad;
}

static inline void put_ends(void *p, size_t size, uint64_t stamp)
{
    *(uint8_t *)p = (uint8_t)stamp;
    ((uint8_t *)p)[size - 1] = (uint8_t)stamp;
}

/* The ring: 4 096 items, then four positions two lines apart: put, taken as the producer saw it, taken, put as the consumer saw it. */
enum { RING = 4096, PUT_AT = RING, TAKEN_SEEN = RING + 16, TAKEN_AT = RING + 32, PUT_SEEN = RING + 48 };

static void ring_wait(int *spins)
{
    if (++*spins % 256 == 0)
        sched_yield();
    else
        for (int i = 0; i < 4; i++)
            __builtin_ia32_pause();
}

static NOINLINE void await_room(uint64_t *ring, uint64_t put)
{
    for (int spins = 0; (ring[TAKEN_SEEN] = LOAD(ring + TAKEN_AT)) + RING == put;)
        ring_wait(&spins);
}

static NOINLINE void await_item(uint64_t *ring, uint64_t taken)
{
    for (int spins = 0; (ring[PUT_SEEN] = LOAD(ring + PUT_AT)) == taken;)
        ring_wait(&spins);
}

static inline void ring_add(const Plan *plan, uint64_t item)
{
    uint64_t *ring = plan->ring, put = ring[PUT_AT];
    if (put - ring[TAKEN_SEEN] == RING)
        await_room(ring, put);
    ring[put % RING] = item;
    STORE(ring + PUT_AT, put + 1);
}

static inline uint64_t ring_take(const Plan *plan)
{
    uint64_t *ring = plan->ring, taken = ring[TAKEN_AT];
    if (taken == ring[PUT_SEEN])
        await_item(ring, taken);
    uint64_t item = ring[taken % RING];
    STORE(ring + TAKEN_AT, taken + 1);
    return item;
}

#define CONTEXT Cache *
#define ALLOC(c, size) twin_alloc((c), (size))
#define FREE(c, p, size) twin_free((c), (p), (size))
#define NAME(x) twin_##x
#define CHECKS 0
#include "loops.inc"
#define NAME(x) twin_checked_##x
#define CHECKS 1
#include "loops.inc"
#undef CONTEXT
#undef ALLOC
#undef FREE

#define CONTEXT const Peer *
#define ALLOC(c, size) ((c)->malloc(size))
#define FREE(c, p, size) ((void)(size), (c)->free(p))
#define NAME(x) peer_##x
#define CHECKS 0
#include "loops.inc"
#define NAME(x) peer_checked_##x
#define CHECKS 1
#include "loops.inc"

EXPORT Heap *twin_open(void)
{
    Heap *heap = aligned_alloc(128, (sizeof *heap + 127) & ~(size_t)127);
    if (heap == NULL)
        abort();
    memset(heap, 0, sizeof *heap);
    heap->magazines = reserve(MAGAZINE_ARENA);
    for (int kind = 0; kind < KINDS; kind++)
        open_space(&heap->spaces[kind], kind);
    return heap;
}

/* Every cache was closed; what is still out is gone. */
EXPORT void twin_close(Heap *heap)
{
    for (int kind = 0; kind < KINDS; kind++)
        close_space(&heap->spaces[kind]);
    for (int shift = 0; shift < 48; shift++) {
        for (uint64_t *region = (uint64_t *)heap->regions[shift].low, *next; region != NULL; region = next) {
            next = (uint64_t *)*region;
            munmap(region, 1ull << shift);
        }
    }
    munmap(heap->magazines, MAGAZINE_ARENA);
    free(heap);
}

EXPORT Cache *twin_cache(Heap *heap)
{
    Cache *cache = aligned_alloc(128, (sizeof *cache + 127) & ~(size_t)127);
    if (cache == NULL)
        abort();
    memset(cache, 0, sizeof *cache);
    cache->heap = heap;
    for (int size_class = 0; size_class < MOST_CLASSES; size_class++)
        cache->tops[size_class] = &cache->sentinel;
    return cache;
}

EXPORT void twin_cache_close(Cache *cache)
{
    flush_all(cache);
    free(cache);
}

/* Refills and flushes of a cache so far. */
EXPORT void twin_counts(const Cache *cache, uint64_t *refills, uint64_t *flushes)
{
    *refills = cache->refills;
    *flushes = cache->flushes;
}

/* Slots that blocks count as out; 0 when every cache was flushed and nothing leaked. Call it alone. */
EXPORT uint64_t twin_left_over(Heap *heap)
{
    uint64_t out = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        Space *space = &heap->spaces[kind];
        for (uint64_t block = 0; block < space->frontier; block++) {
            uint64_t word = space->words[block];
            if (word_phase(word) == IN_USE)
                out += (uint64_t)(word_cursor(word) - word_free(word));
        }
    }
    for (int size_class = 1; size_class < s_class_count; size_class++) {
        for (uint64_t *full = head_node(heap, head_load(&heap->states[size_class].recycler)); full != NULL; full = (uint64_t *)*full)
            out -= s_classes[size_class].magazine_slots;
        if (RECYCLER_CAS == 8)
            break;
    }
    return out;
}

EXPORT int twin_classes(void) { return s_class_count - 1; }
EXPORT int twin_plan_bytes(void) { return (int)sizeof(Plan); }
EXPORT int twin_class_of(uint64_t size) { return class_of(size); }
EXPORT int twin_slot_size(int size_class) { return (int)s_classes[size_class].slot_size; }
