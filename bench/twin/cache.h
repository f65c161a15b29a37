/* Owns: magazines, the recyclers, the way home, and the two hit paths. As Core/Magazines.cs, NodeStack.cs, Homecoming.cs, CacheSlowPath.cs and Api/BitTreeAllocator.HitPath.cs. */
#ifndef CACHE_H
#define CACHE_H

#include "blocks.h"

static inline uint64_t *magazine_of(uint64_t *top) { return (uint64_t *)((uintptr_t)top & ~(uintptr_t)(MAGAZINE_WORDS * 8 - 1)); }
static inline uint64_t *empty_top(uint64_t *magazine) { return magazine + SENTINEL; }

#if RECYCLER_CAS == 16
typedef unsigned __int128 Wide;
static inline int head_cas(Head *head, Head seen, uint64_t low, uint64_t high)
{
    return __sync_bool_compare_and_swap((Wide *)head, (Wide)seen.high << 64 | seen.low, (Wide)high << 64 | low);
}
static inline Head head_load(Head *head)
{
    Head seen;
    seen.high = LOAD(&head->high);
    seen.low = LOAD(&head->low);
    return seen;
}
static inline uint64_t *head_node(const Heap *heap, Head seen) { (void)heap; return (uint64_t *)seen.low; }
static inline int head_replace(Heap *heap, Head *head, Head seen, uint64_t *node, uint64_t step)
{
    (void)heap;
    return head_cas(head, seen, (uint64_t)node, seen.high + step);
}
#else
static inline Head head_load(Head *head) { Head seen = { LOAD(&head->low), 0 }; return seen; }
static inline uint64_t *head_node(const Heap *heap, Head seen)
{
    uint32_t index = (uint32_t)seen.low;
    return index == 0 ? NULL : (uint64_t *)(heap->magazines + (uint64_t)(index - 1) * MAGAZINE_WORDS * 8);
}
static inline int head_replace(Heap *heap, Head *head, Head seen, uint64_t *node, uint64_t step)
{
    uint64_t index = node == NULL ? 0 : ((uint64_t)((char *)node - heap->magazines) / (MAGAZINE_WORDS * 8)) + 1;
    return cas(&head->low, seen.low, (((seen.low >> 32) + step) << 32) | index);
}
#endif

static int stack_push(Heap *heap, Head *head, uint64_t *node, uint64_t most)
{
    for (;;) {
        Head seen = head_load(head);
        uint64_t *top = head_node(heap, seen), depth = 1;
        if (top != NULL)
            depth += LOAD(top + 1);
        if (depth > most)
            return 0;
        STORE(node, (uint64_t)top);
        STORE(node + 1, depth);
        if (head_replace(heap, head, seen, node, 0))
            return 1;
    }
}

static uint64_t *stack_pop(Heap *heap, Head *head)
{
    for (;;) {
        Head seen = head_load(head);
        uint64_t *top = head_node(heap, seen);
        if (top == NULL)
            return NULL;
        uint64_t *next = (uint64_t *)LOAD(top);
        if (head_replace(heap, head, seen, next, 1))
            return top;
    }
}

/* Bytes of the budget, taken ahead in pieces of 64 KiB. */
static int grant(Cache *cache, int slots, uint32_t slot_size)
{
    const uint64_t ahead = 64 << 10;
    uint64_t want = (uint64_t)slots * slot_size;
    while (cache->grant < want) {
        uint64_t granted = LOAD(&cache->heap->granted), need = want - cache->grant, in_use = LOAD(&cache->heap->in_use) >> 5;
        uint64_t budget = in_use > BUDGET_BYTES ? in_use : BUDGET_BYTES, left = granted < budget ? budget - granted : 0;
        uint64_t bytes = left / 8 < ahead ? left / 8 : ahead;
        bytes = bytes < need ? need : bytes;
        bytes = bytes > left ? left : bytes;
        if (bytes == 0)
            break;
        if (cas(&cache->heap->granted, granted, granted + bytes))
            cache->grant += bytes;
    }
    if (cache->grant < want) {
        slots = (int)(cache->grant / slot_size);
        want = (uint64_t)slots * slot_size;
    }
    cache->grant -= want;
    return slots;
}

static void return_grant(Cache *cache, uint64_t bytes)
{
    const uint64_t ahead = 64 << 10;
    cache->grant += bytes;
    if (cache->grant > 2 * ahead) {
        ADD(&cache->heap->granted, ahead - cache->grant);
        cache->grant = ahead;
    }
}

static uint64_t *take_empty(Cache *cache, int size_class)
{
    Heap *heap = cache->heap;
    const ClassInfo *info = &s_classes[size_class];
    int slots = grant(cache, (int)info->magazine_slots, info->slot_size);
    if (slots == 0)
        return NULL;
    uint64_t *magazine = (uint64_t *)cache->spare_empty;
    if (magazine != NULL)
        cache->spare_empty = 0;
    else
        magazine = stack_pop(heap, &heap->empties);
    if (magazine == NULL) {
        uint64_t next = ADD(&heap->magazines_next, (uint64_t)(MAGAZINE_WORDS * 8));
        if (next >= MAGAZINE_ARENA)
            abort();
        magazine = (uint64_t *)(heap->magazines + next);
    }
    STORE(magazine, (uint64_t)slots);
    return magazine;
}

static void give_empty(Cache *cache, int size_class, uint64_t *magazine)
{
    return_grant(cache, LOAD(magazine) * s_classes[size_class].slot_size);
    if (cache->spare_empty == 0)
        cache->spare_empty = (uint64_t)magazine;
    else
        stack_push(cache->heap, &cache->heap->empties, magazine, UINT64_MAX);
}

static void extend(Cache *cache, int size_class, uint64_t *magazine)
{
    const ClassInfo *info = &s_classes[size_class];
    int slots = (int)LOAD(magazine), more = (int)info->magazine_slots - slots;
    if (more > 0)
        STORE(magazine, (uint64_t)(slots + grant(cache, more, info->slot_size)));
}

static void arm(Cache *cache, int size_class, uint64_t *top)
{
    uint64_t *magazine = magazine_of(top);
    cache->tops[size_class] = top;
    EXCHANGE(&cache->limits[size_class], (uint64_t)(empty_top(magazine) + LOAD(magazine)));
}

enum { BUCKET_SHIFT = MAGAZINE_WORDS > 128 ? 10 : 8, BUCKETS = 1 << BUCKET_SHIFT };
#if MAGAZINE_SLOTS > 253
typedef uint16_t Number;
#else
typedef uint8_t Number;
#endif

static void give_group(Cache *cache, int size_class, const uint64_t *slots, const Number *next, int head, uint64_t *masks)
{
    const ClassInfo *info = &s_classes[size_class];
    Heap *heap = cache->heap;
    Block block;
    if (!try_locate(heap, slots[head - 1], info->kind, &block))
        abort();
    uint64_t word = LOAD(block.space->words + block.index), start = first_slot(block.space, block.index);
    if (word_phase(word) != IN_USE || word_class(word) != size_class)
        abort();
    int first = (int)block.space->bitmap_words, last = -1, count = 0;
    for (int number = head; number != 0; number = next[number - 1]) {
        uint64_t offset = slots[number - 1] - start;
        uint32_t slot = slot_at(info, offset);
        if ((int)slot >= word_cursor(word) || (uint64_t)slot * info->slot_size != offset)
            abort();
        int index = (int)(slot >> 6);
        if ((masks[index] >> (slot & 63) & 1) != 0)
            abort();
        masks[index] |= 1ull << (slot & 63);
        first = index < first ? index : first;
        last = index > last ? index : last;
        count++;
    }
    uint64_t *bitmap = block.space->bitmaps + block.index * block.space->bitmap_words;
    int given = 0;
    for (int index = first; index <= last; index++) {
        if (masks[index] == 0)
            continue;
        uint64_t before = __atomic_fetch_or(bitmap + index, masks[index], __ATOMIC_ACQ_REL);
        given += __builtin_popcountll(masks[index] & ~before);
        masks[index] = 0;
    }
    if (given != count && PLANT != 1)
        abort();
    uint64_t *kept = &heap->states[size_class].kept, kept_now = LOAD(kept);
    int cursor, home = count_free(block.space, block.index, size_class, info, given, kept_now != 0 && kept_now != start, &cursor);
    cache->pending_in_use -= (int64_t)given * info->slot_size;
    if (home == 2)
        empty_block(block.space, block.index, cursor);
    else if (home == 1 && kept_now == 0)
        cas(kept, 0, start);
}

/* Slots go back to their blocks, grouped by block. */
static void give(Cache *cache, int size_class, const uint64_t *slots, int count)
{
    Number heads[BUCKETS], next[MAGAZINE_WORDS];
    uint16_t groups[MAGAZINE_WORDS];
    uint64_t masks[256];
    int shift = s_classes[size_class].block_shift, group_count = 0;
    memset(heads, 0, sizeof heads);
    memset(masks, 0, sizeof masks[0] * cache->heap->spaces[s_classes[size_class].kind].bitmap_words);
    if (PLANT == 3)
        count--;
    for (int number = 0; number < count; number++) {
        uint64_t key = slots[number] >> shift;
        uint32_t bucket = (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> (64 - BUCKET_SHIFT));
        for (;; bucket = (bucket + 1) & (BUCKETS - 1)) {
            int head = heads[bucket];
            if (head == 0) {
                next[number] = 0;
                groups[group_count++] = (uint16_t)bucket;
                break;
            }
            if (slots[head - 1] >> shift == key) {
                next[number] = (Number)head;
                break;
            }
        }
        heads[bucket] = (Number)(number + 1);
    }
    for (int group = 0; group < group_count; group++)
        give_group(cache, size_class, slots, next, heads[groups[group]], masks);
}

static void flush_all(Cache *cache);

static void enter(Cache *cache)
{
    if (!cas(&cache->busy, 0, 1))
        abort();
    if (cache->seen_generation != LOAD(&cache->heap->generation))
        flush_all(cache);
}

static void leave(Cache *cache)
{
    if (cache->pending_in_use > 32 << 10 || cache->pending_in_use < -(32 << 10)) {
        ADD(&cache->heap->in_use, (uint64_t)cache->pending_in_use);
        cache->pending_in_use = 0;
    }
    if (cache->seen_generation != LOAD(&cache->heap->generation))
        flush_all(cache);
    STORE(&cache->busy, (uint64_t)0);
}

static uint64_t *take_spare(Cache *cache, int size_class)
{
    return LOAD(&cache->spares[size_class]) == 0 ? NULL : (uint64_t *)EXCHANGE(&cache->spares[size_class], (uint64_t)0);
}

static uint64_t *refill(Cache *cache, int size_class, uint64_t *top, uint64_t *single)
{
    Heap *heap = cache->heap;
    const ClassInfo *info = &s_classes[size_class];
    uint64_t *loaded = top == &cache->sentinel ? NULL : magazine_of(top);
    top = take_spare(cache, size_class);
    if (top == NULL) {
        uint64_t *full = stack_pop(heap, &heap->states[size_class].recycler);
        if (full != NULL) {
            STORE(full, (uint64_t)info->magazine_slots);
            top = empty_top(full) + info->magazine_slots;
        }
    }
    if (top != NULL) {
        if (loaded != NULL)
            give_empty(cache, size_class, loaded);
        arm(cache, size_class, top);
        return top;
    }
    if (loaded == NULL)
        loaded = take_empty(cache, size_class);
    else
        extend(cache, size_class, loaded);
    if (loaded == NULL) {
        take(cache, size_class, single, 1);
        return NULL;
    }
    top = empty_top(loaded) + take(cache, size_class, empty_top(loaded) + 1, (int)LOAD(loaded));
    cache->refills++;
    arm(cache, size_class, top);
    return top;
}

static int count_to(uint64_t *top) { return (int)(top - empty_top(magazine_of(top))); }

static uint64_t *flush(Cache *cache, int size_class, uint64_t *full)
{
    give(cache, size_class, full + HEADER_WORDS, (int)LOAD(full));
    cache->flushes++;
    extend(cache, size_class, full);
    return empty_top(full);
}

static void move(const uint64_t *from, uint64_t *to, int count)
{
    memmove(to, from, (size_t)count * sizeof *to);
}

/* CacheOverflow.MakeRoom: returns the top of the magazine that is to be loaded. */
static uint64_t *make_room(Cache *cache, int size_class, uint64_t *top)
{
    Heap *heap = cache->heap;
    const ClassInfo *info = &s_classes[size_class];
    uint64_t *loaded = magazine_of(top);
    int may_hold = (int)info->magazine_slots;
    if ((int)LOAD(loaded) != may_hold)
        return flush(cache, size_class, loaded);
    uint64_t *spare = take_spare(cache, size_class);
    if (spare == NULL) {
        uint64_t *other = take_empty(cache, size_class);
        if (other == NULL)
            return flush(cache, size_class, loaded);
        int count = count_to(top), other_slots = (int)LOAD(other);
        count = (count < other_slots ? count : other_slots) / 2;
        move(top - count + 1, empty_top(other) + 1, count);
        EXCHANGE(&cache->spares[size_class], (uint64_t)(top - count));
        return empty_top(other) + count;
    }
    int room = may_hold - count_to(spare), half = (may_hold + 1) / 2;
    if (room > 0) {
        int count = room < half ? room : half;
        uint64_t *oldest = empty_top(loaded) + 1;
        move(oldest, spare + 1, count);
        move(oldest + count, oldest, count_to(top) - count);
        EXCHANGE(&cache->spares[size_class], (uint64_t)(spare + count));
        return top - count;
    }
    uint64_t *full = magazine_of(spare), *empty = take_empty(cache, size_class);
    if (empty != NULL && !stack_push(heap, &heap->states[size_class].recycler, full, info->recycler_depth)) {
        STORE(full, (uint64_t)info->magazine_slots);
        give_empty(cache, size_class, empty);
        empty = NULL;
    }
    EXCHANGE(&cache->spares[size_class], (uint64_t)top);
    return empty != NULL ? empty_top(empty) : flush(cache, size_class, full);
}

static void send_home(Cache *cache, int size_class, uint64_t *top)
{
    uint64_t *magazine = magazine_of(top);
    int count = (int)(top - empty_top(magazine));
    if (count > 0)
        give(cache, size_class, magazine + HEADER_WORDS, count);
    give_empty(cache, size_class, magazine);
}

static void flush_all(Cache *cache)
{
    uint64_t generation = LOAD(&cache->heap->generation);
    for (int size_class = 1; size_class < s_class_count; size_class++) {
        uint64_t *spare = take_spare(cache, size_class), *top = cache->tops[size_class];
        if (spare != NULL)
            send_home(cache, size_class, spare);
        if (top != &cache->sentinel) {
            cache->tops[size_class] = &cache->sentinel;
            EXCHANGE(&cache->limits[size_class], (uint64_t)0);
            send_home(cache, size_class, top);
        }
    }
    cache->seen_generation = generation;
}

/* Above MAX_SIZE: mappings of powers of two, kept for ever on a stack per length. The next pointer stands in the mapping itself. */
static int large_shift(size_t size) { return 64 - __builtin_clzll(size - 1); }

static void *alloc_large(Heap *heap, size_t size)
{
    Head *head = &heap->regions[large_shift(size)];
    while (!cas(&head->high, 0, 1))
        __builtin_ia32_pause();
    uint64_t *found = (uint64_t *)head->low;
    if (found != NULL)
        head->low = *found;
    STORE(&head->high, (uint64_t)0);
    return found != NULL ? found : reserve(1ull << large_shift(size));
}

static void free_large(Heap *heap, void *p, size_t size)
{
    Head *head = &heap->regions[large_shift(size)];
    while (!cas(&head->high, 0, 1))
        __builtin_ia32_pause();
    *(uint64_t *)p = head->low;
    head->low = (uint64_t)p;
    STORE(&head->high, (uint64_t)0);
}

static NOINLINE void *alloc_miss(Cache *cache, size_t size)
{
    if (size > MAX_SIZE)
        return alloc_large(cache->heap, size);
    int size_class = class_of(size);
    uint64_t *top = cache->tops[size_class], slot;
    if (*top == 0) {
        uint64_t single;
        enter(cache);
        top = refill(cache, size_class, top, &single);
        slot = top == NULL ? single : *top;
        if (top != NULL)
            cache->tops[size_class] = top - 1;
        leave(cache);
    } else {
        slot = *top;
        cache->tops[size_class] = top - 1;
    }
    OUT((void *)slot, size);
    return (void *)slot;
}

static NOINLINE void free_miss(Cache *cache, void *p, size_t size)
{
    if (p == NULL)
        return;
    if (size > MAX_SIZE) {
        free_large(cache->heap, p, size);
        return;
    }
    int size_class = class_of(size);
    HOME(p, s_classes[size_class].slot_size);
    uint64_t *top = cache->tops[size_class];
    if ((uint64_t)top < cache->limits[size_class]) {
        *++top = (uint64_t)p;
        cache->tops[size_class] = top;
        return;
    }
    enter(cache);
    top = cache->tops[size_class];
    uint64_t *loaded = top == &cache->sentinel ? NULL : magazine_of(top), slot = (uint64_t)p;
    if (loaded == NULL) {
        loaded = take_empty(cache, size_class);
        top = loaded == NULL ? NULL : empty_top(loaded);
    } else if (top >= empty_top(loaded) + LOAD(loaded)) {
        top = make_room(cache, size_class, top);
    }
    if (top == NULL) {
        give(cache, size_class, &slot, 1);
    } else {
        *++top = slot;
        arm(cache, size_class, top);
    }
    leave(cache);
}

static inline void *twin_alloc(Cache *cache, size_t size)
{
    if (LIKELY(size <= TABLE_LIMIT)) {
        int size_class = s_class_by_words[(size + 7) >> 3];
        uint64_t *top = cache->tops[size_class], slot = *top;
        if (LIKELY(slot != 0)) {
            cache->tops[size_class] = top - 1;
            if (PREFETCH == 2)
                __builtin_prefetch((void *)top[-1], 1, 3);
            OUT((void *)slot, size);
            return (void *)slot;
        }
    }
    return alloc_miss(cache, size);
}

static inline void twin_free(Cache *cache, void *p, size_t size)
{
    if (LIKELY(size <= TABLE_LIMIT && p != NULL)) {
        int size_class = s_class_by_words[(size + 7) >> 3];
        uint64_t *top = cache->tops[size_class];
        if (LIKELY((uint64_t)top < cache->limits[size_class])) {
            HOME(p, s_classes[size_class].slot_size);
            *++top = (uint64_t)p;
            cache->tops[size_class] = top;
            return;
        }
    }
    free_miss(cache, p, size);
}

#endif
