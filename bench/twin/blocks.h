/* Owns: the steps on a block (claim, take, release, give, empty) and the supply of slots: the cache's last block, the tree of the class, an empty block, a fresh one. As Core/Blocks.cs, Core/Supply.cs. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "heap.h"

typedef struct { Space *space; uint64_t index; } Block;

static inline uint64_t first_slot(const Space *space, uint64_t block)
{
    return (uint64_t)space->base + (block << space->shift) + (COLOUR && space->shift < 20 && space->shift >= 14 ? (block % COLOURS) * 64 : 0);
}

static inline int try_locate(Heap *heap, uint64_t address, int kind, Block *block)
{
    Space *space = &heap->spaces[kind];
    block->space = space;
    block->index = (address - (uint64_t)space->base) >> space->shift;
    return block->index < LOAD(&space->frontier);
}

static int try_claim(Space *space, uint64_t block, int size_class, uint64_t *held)
{
    uint64_t *address = space->words + block;
    for (;;) {
        uint64_t word = LOAD(address);
        if (word_fits(word, size_class) && word_is_available(word, s_classes[size_class].capacity)) {
            if (cas(address, word, word | CLAIMED)) {
                *held = word | CLAIMED;
                return 1;
            }
        } else if (cas(address, word, word)) {
            return 0;
        }
    }
}

static int take_free(Space *space, uint64_t block, const ClassInfo *info, uint64_t held, uint64_t *slots, int wanted)
{
    if (wanted > word_free(held))
        wanted = word_free(held);
    if (wanted <= 0)
        return 0;
    uint64_t *bitmap = space->bitmaps + block * space->bitmap_words, start = first_slot(space, block);
    int got = 0, cursor = word_cursor(held);
    for (int index = 0; got < wanted && index < (int)space->bitmap_words; index++) {
        uint64_t word = LOAD(bitmap + index);
        if (word == 0)
            continue;
        int below = cursor - (index << 6);
        uint64_t chosen = below >= 64 ? word : word & ((1ull << (below > 0 ? below : 0)) - 1);
        for (int surplus = __builtin_popcountll(chosen) - (wanted - got); surplus > 0; surplus--)
            chosen &= ~(1ull << (63 - __builtin_clzll(chosen)));
        if (PLANT != 1)
            __atomic_fetch_and(bitmap + index, ~chosen, __ATOMIC_ACQ_REL);
        for (; chosen != 0; chosen &= chosen - 1)
            slots[got++] = start + (uint64_t)((index << 6) + __builtin_ctzll(chosen)) * info->slot_size;
    }
    return got;
}

static void release(Space *space, uint64_t block, const ClassInfo *info, int taken, int carved)
{
    uint64_t *address = space->words + block;
    for (;;) {
        uint64_t word = LOAD(address);
        uint64_t next = (word - ((uint64_t)taken << FREE_SHIFT) + ((uint64_t)carved << CURSOR_SHIFT)) & ~(uint64_t)CLAIMED;
        if (!cas(address, word, next))
            continue;
        if (word_is_available(next, info->capacity) && !tree_is_set(&space->tree, info->column, block))
            tree_set(&space->tree, info->column, block);
        return;
    }
}

/* Counts slots whose bits are set. 0: partly home; 1: all home; 2: all home and held; 3: the block had left its class. */
static int count_free(Space *space, uint64_t block, int size_class, const ClassInfo *info, int count, int may_hold, int *cursor)
{
    uint64_t *address = space->words + block;
    for (;;) {
        uint64_t word = LOAD(address);
        if (word_phase(word) != IN_USE || word_class(word) != size_class)
            return 3;
        uint64_t next = word + ((uint64_t)count << FREE_SHIFT);
        *cursor = word_cursor(word);
        int claimed = (word & CLAIMED) != 0, all_home = !claimed && word_free(next) == word_cursor(next);
        if (all_home && may_hold)
            next |= CLAIMED;
        if (!cas(address, word, next))
            continue;
        if (all_home && may_hold)
            return 2;
        if (!claimed && (!word_is_available(word, info->capacity) || !tree_is_set(&space->tree, info->column, block)))
            tree_set(&space->tree, info->column, block);
        return all_home;
    }
}

static void empty_block(Space *space, uint64_t block, int cursor)
{
    uint64_t *bitmap = space->bitmaps + block * space->bitmap_words;
    for (int index = 0; index << 6 < cursor; index++)
        STORE(bitmap + index, (uint64_t)0);
    STORE(space->words + block, (uint64_t)(RESIDENT | (EMPTY << PHASE_SHIFT)));
    tree_set(&space->tree, space->empty_column, block);
}

static int try_empty(Heap *heap, int size_class, Block *block, uint64_t *held)
{
    Space *space = &heap->spaces[s_classes[size_class].kind];
    uint64_t rows = (LOAD(&space->frontier) >> WORD_SHIFT) + 1, from = ADD(&space->repaired, (uint64_t)2) % rows;
    for (int column = 0; column < (int)space->tree.columns; column++)
        tree_sweep(&space->tree, column, from, from + 2 <= rows ? 2 : 1);
    block->space = space;
    while (tree_pick(&space->tree, space->empty_column, &block->index)) {
        uint64_t *address = space->words + block->index;
        for (;;) {
            uint64_t word = LOAD(address);
            if ((word & CLAIMED) != 0 || word_phase(word) != EMPTY) {
                if (cas(address, word, word))
                    break;
                continue;
            }
            *held = word_born(size_class);
            if (!cas(address, word, *held))
                continue;
            for (uint64_t index = 0; index < space->bitmap_words; index++)
                STORE(space->bitmaps + block->index * space->bitmap_words + index, (uint64_t)0);
            return 1;
        }
    }
    return 0;
}

static int try_fresh(Heap *heap, int size_class, Block *block, uint64_t *held)
{
    Space *space = &heap->spaces[s_classes[size_class].kind];
    block->space = space;
    block->index = ADD(&space->frontier, (uint64_t)1);
    if (block->index >= space->block_count)
        abort();
    *held = word_born(size_class);
    STORE(space->words + block->index, *held);
    HOME((char *)space->base + (block->index << space->shift), 1ull << space->shift);
    return 1;
}

/* Free slots first, then the cursor; lets go. */
static int take_held(Cache *cache, Block block, int size_class, uint64_t held, uint64_t *slots, int wanted)
{
    const ClassInfo *info = &s_classes[size_class];
    uint64_t start = first_slot(block.space, block.index);
    cache->last_blocks[size_class] = start;
    int cursor = word_cursor(held);
    if (cursor > 0 && word_free(held) == cursor) {
        uint64_t *kept = &cache->heap->states[size_class].kept;
        if (LOAD(kept) == start)
            cas(kept, start, 0);
    }
    int taken = take_free(block.space, block.index, info, held, slots, wanted), carved = 0;
    if (taken * 2 < wanted) {
        carved = info->unit_shift == 0 ? wanted - taken : 1;
        if (carved > (int)info->capacity - cursor)
            carved = (int)info->capacity - cursor;
        uint64_t slot = start + (uint64_t)cursor * info->slot_size;
        if (PLANT == 2 && cursor > 0)
            slot -= info->slot_size;
        for (int number = 0; number < carved; number++, slot += info->slot_size)
            slots[taken + number] = slot;
    }
    release(block.space, block.index, info, taken, carved);
    cache->pending_in_use += (int64_t)(taken + carved) * info->slot_size;
    return taken + carved;
}

static int take(Cache *cache, int size_class, uint64_t *slots, int wanted)
{
    Heap *heap = cache->heap;
    const ClassInfo *info = &s_classes[size_class];
    uint64_t held, last = cache->last_blocks[size_class];
    Block block;
    int got = 0;
    if (last != 0 && try_locate(heap, last, info->kind, &block)) {
        uint64_t word = LOAD(block.space->words + block.index);
        if (word_fits(word, size_class) && word_is_available(word, info->capacity) && cas(block.space->words + block.index, word, word | CLAIMED))
            got = take_held(cache, block, size_class, word | CLAIMED, slots, wanted);
    }
    if (got == 0) {
        block.space = &heap->spaces[info->kind];
        int found = 0;
        while (!found && tree_pick(&block.space->tree, info->column, &block.index))
            found = try_claim(block.space, block.index, size_class, &held);
        if (found)
            got = take_held(cache, block, size_class, held, slots, wanted);
    }
    if (got == 0) {
        if (!try_empty(heap, size_class, &block, &held))
            try_fresh(heap, size_class, &block, &held);
        got = take_held(cache, block, size_class, held, slots, wanted);
    }
    if (REFILL_ORDER == 1) {
        for (int low = 0, high = got - 1; low < high; low++, high--) {
            uint64_t other = slots[low];
            slots[low] = slots[high];
            slots[high] = other;
        }
    }
    if (PREFETCH == 1) {
        for (int number = 0; number < got; number++)
            __builtin_prefetch((void *)slots[number], 1, 3);
    }
    return got;
}

#endif
