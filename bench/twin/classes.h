/* Owns: sizes to classes, and what each class is. Filled once when the library is loaded; plain data afterwards. */
#ifndef CLASSES_H
#define CLASSES_H

#include "shape.h"

static uint8_t s_class_by_words[TABLE_LIMIT / 8 + 1];
static ClassInfo s_classes[MOST_CLASSES];
static int s_class_count, s_last_small, s_first_of_kind[KINDS + 1], s_coarse_first;

static int kind_of(uint32_t size)
{
    if (size <= 32)
        return 0;
    if (size <= MAX_SMALL && size <= 1u << BLOCK_SHIFT)
        return 1;
    return size <= 256 << 10 ? 2 : 3;
}

static void add_class(uint32_t size)
{
    static const uint8_t shifts[KINDS] = { TINY_BLOCK_SHIFT, BLOCK_SHIFT, 20, 22 };
    int number = s_class_count++, kind = kind_of(size), medium = size > MAX_SMALL;
    ClassInfo *info = &s_classes[number];
    uint32_t room = (1u << shifts[kind]) - (COLOUR && kind < 2 ? (COLOURS - 1) * 64 : 0);
    uint32_t least = medium ? 1 : MIN_MAGAZINE_SLOTS, most = medium ? MIN_MAGAZINE_SLOTS : MAGAZINE_SLOTS;
    uint32_t slots = (medium ? MEDIUM_MAGAZINE_BYTES : MAGAZINE_BYTES) / size;
    info->slot_size = size;
    info->kind = (uint8_t)kind;
    info->block_shift = shifts[kind];
    if (room < size)
        room = 1u << shifts[kind]; /* one slot in a block: there is nothing to colour */
    info->capacity = room / size;
    info->magazine_slots = slots < least ? least : slots > most ? most : slots;
    info->unit_shift = medium ? 14 : 0;
    info->reciprocal = (uint32_t)(((1ull << 32) + (size >> info->unit_shift) - 1) / (size >> info->unit_shift));
    info->recycler_depth = RECYCLER_BYTES / (info->magazine_slots * size);
    if (info->recycler_depth == 0)
        info->recycler_depth = 1;
    if (s_first_of_kind[kind] == 0)
        s_first_of_kind[kind] = number;
    info->column = (uint16_t)(number - s_first_of_kind[kind]);
    if (!medium)
        s_last_small = number;
}

__attribute__((constructor)) static void fill_classes(void)
{
    if (s_class_count != 0)
        return;
    s_class_count = 1;
    for (uint32_t size = 8; size <= 64; size += 8)
        add_class(size);
    for (uint32_t low = 64; low < MAX_SIZE; low *= 2) {
        uint32_t steps = low >= TABLE_LIMIT ? 4 : CLASSES_PER_DOUBLING;
        if (low == TABLE_LIMIT)
            s_coarse_first = s_class_count;
        if (steps > low / 8)
            steps = low / 8;
        for (uint32_t step = 1; step <= steps; step++)
            add_class(low + low / steps * step);
    }
    s_first_of_kind[KINDS] = s_class_count;
    int number = 1;
    for (uint32_t words = 0; words <= TABLE_LIMIT / 8; words++) {
        while (s_classes[number].slot_size < words * 8)
            number++;
        s_class_by_words[words] = (uint8_t)number;
    }
}

/* The class of a size; 0 above MAX_SIZE. */
static inline int class_of(size_t size)
{
    if (size <= TABLE_LIMIT)
        return s_class_by_words[(size + 7) >> 3];
    if (size > MAX_SIZE)
        return 0;
    uint32_t last = (uint32_t)size - 1;
    int doubling = 31 - __builtin_clz(last);
    return s_coarse_first + (doubling - 13) * 4 + (int)(last >> (doubling - 2)) - 4;
}

/* The slot that an offset into a block lies in. */
static inline uint32_t slot_at(const ClassInfo *info, uint64_t offset)
{
    return (uint32_t)(((offset >> info->unit_shift) * info->reciprocal) >> 32);
}

#endif
