/*
 * Owns: the bit trees: one column per class, rows interleaved by column, four levels: leaves of 64 blocks, middles of 64 leaves, tops of 4 middles, one summary of 64 tops.
 * A step here is the step of that name in src/BitTreeAlloc/Bits/BitTree.cs; the reasons for the orders stand there.
 */
#ifndef TREE_H
#define TREE_H

#include "shape.h"

typedef struct {
    uint64_t *rows[4];
    uint64_t columns;
} Tree;

enum { WORD_SHIFT = 6, TOP_SHIFT = 2, SUMMARY = 3 };

static inline uint64_t *tree_word(const Tree *tree, int level, uint64_t index, int column)
{
    return tree->rows[level] + index * tree->columns + (uint64_t)column;
}

static inline int shift_of(int level) { return level == 2 ? TOP_SHIFT : WORD_SHIFT; }

static void set_parents(const Tree *tree, int column, int level, uint64_t index, uint64_t child_before)
{
    for (; level <= SUMMARY; level++) {
        int shift = shift_of(level);
        uint64_t bit = 1ull << (index & ((1ull << shift) - 1));
        index >>= shift;
        uint64_t *word = tree_word(tree, level, index, column);
        uint64_t before = child_before == 0 ? __atomic_fetch_or(word, bit, __ATOMIC_ACQ_REL) : LOAD(word);
        if (child_before != 0 && (before & bit) == 0)
            before = __atomic_fetch_or(word, bit, __ATOMIC_ACQ_REL);
        child_before = before;
    }
}

static void clear_parents(const Tree *tree, int column, int level, uint64_t index)
{
    for (; level < SUMMARY; level++) {
        int shift = shift_of(level + 1);
        uint64_t bit = 1ull << (index & ((1ull << shift) - 1)), parent = index >> shift;
        uint64_t before = __atomic_fetch_and(tree_word(tree, level + 1, parent, column), ~bit, __ATOMIC_ACQ_REL);
        if (LOAD(tree_word(tree, level, index, column)) != 0) {
            set_parents(tree, column, level + 1, index, 0);
            return;
        }
        if ((before & ~bit) != 0)
            return;
        index = parent;
    }
}

static void tree_set(const Tree *tree, int column, uint64_t block)
{
    uint64_t before = __atomic_fetch_or(tree_word(tree, 0, block >> WORD_SHIFT, column), 1ull << (block & 63), __ATOMIC_ACQ_REL);
    set_parents(tree, column, 1, block >> WORD_SHIFT, before);
}

static inline int tree_is_set(const Tree *tree, int column, uint64_t block)
{
    return (LOAD(tree_word(tree, 0, block >> WORD_SHIFT, column)) >> (block & 63) & 1) != 0;
}

static int tree_pick_leaf(const Tree *tree, int column, uint64_t leaf_index, uint64_t *block)
{
    uint64_t *word = tree_word(tree, 0, leaf_index, column);
    for (;;) {
        uint64_t leaf = LOAD(word), bit = leaf & (0 - leaf);
        if (leaf == 0) {
            clear_parents(tree, column, 0, leaf_index);
            return 0;
        }
        if (!cas(word, leaf, leaf & ~bit))
            continue;
        if (leaf == bit)
            clear_parents(tree, column, 0, leaf_index);
        *block = (leaf_index << WORD_SHIFT) | (uint64_t)__builtin_ctzll(bit);
        return 1;
    }
}

static int tree_pick(const Tree *tree, int column, uint64_t *block)
{
    for (;;) {
        uint64_t summary = LOAD(tree_word(tree, SUMMARY, 0, column));
        if (summary == 0)
            return 0;
        uint64_t top_index = (uint64_t)__builtin_ctzll(summary), top = LOAD(tree_word(tree, 2, top_index, column));
        if (top == 0) {
            clear_parents(tree, column, 2, top_index);
            continue;
        }
        uint64_t middle_index = (top_index << TOP_SHIFT) | (uint64_t)__builtin_ctzll(top), middle = LOAD(tree_word(tree, 1, middle_index, column));
        if (middle == 0) {
            clear_parents(tree, column, 1, middle_index);
            continue;
        }
        if (tree_pick_leaf(tree, column, (middle_index << WORD_SHIFT) | (uint64_t)__builtin_ctzll(middle), block))
            return 1;
    }
}

/* Repairs the parents of some leaf words: what a setter that stopped half-way left. */
static void tree_sweep(const Tree *tree, int column, uint64_t first, uint64_t count)
{
    for (uint64_t leaf = first; leaf < first + count; leaf++) {
        uint64_t word = LOAD(tree_word(tree, 0, leaf, column));
        if (word != 0)
            set_parents(tree, column, 1, leaf, word);
    }
}

#endif
