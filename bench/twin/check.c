/*
 * The twin's own check: every loop with whole contents verified, one and two threads, over sizes that reach each class; everything is home at the end.
 * Built with sanitizers where the compiler has them; with a planted fault (-DPLANT=n) it has to fail. Exit code: 0, or 1 with a line that says what was wrong; a broken invariant aborts.
 */
#include <pthread.h>

#include "twin.c"

enum { SIZES = 1 << 14, PLACES = 3000, STEPS = 60000 };

static uint32_t s_sizes[SIZES], s_order[SIZES], s_shuffled[PLACES], s_held_sizes[2][PLACES];
static void *s_held[2][PLACES];
static uint64_t s_ring[RING + 64] __attribute__((aligned(128)));
static uint64_t s_seed = 20;

static uint32_t draw(uint32_t below)
{
    s_seed = s_seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((s_seed >> 33) % below);
}

typedef struct { Heap *heap; const Plan *plan; uint64_t (*loop)(Cache *, const Plan *, uint64_t); uint64_t bad; } Job;

static void *work(void *argument)
{
    Job *job = argument;
    Cache *cache = twin_cache(job->heap);
    job->bad = job->loop(cache, job->plan, STEPS);
    twin_cache_close(cache);
    return NULL;
}

static uint64_t together(Heap *heap, const Plan *one, uint64_t (*first)(Cache *, const Plan *, uint64_t), const Plan *two, uint64_t (*second)(Cache *, const Plan *, uint64_t))
{
    Job jobs[2] = { { heap, one, first, 0 }, { heap, two, second, 0 } };
    pthread_t other;
    if (pthread_create(&other, NULL, work, &jobs[1]) != 0)
        abort();
    work(&jobs[0]);
    pthread_join(other, NULL);
    return jobs[0].bad + jobs[1].bad;
}

static int s_failures;

static void expect(const char *what, uint64_t bad)
{
    if (bad == 0)
        return;
    printf("%s: %llu\n", what, (unsigned long long)bad);
    s_failures++;
}

int main(void)
{
    for (uint32_t i = 0; i < SIZES; i++) {
        uint32_t range = draw(10);
        s_sizes[i] = 1 + draw(range < 8 ? 1024 : range < 9 ? 12000 : 60000);
        s_order[i] = draw(PLACES);
    }
    for (uint32_t i = 0; i < PLACES; i++)
        s_shuffled[i] = i;
    for (uint32_t i = PLACES - 1; i > 0; i--) {
        uint32_t other = draw(i + 1), was = s_shuffled[i];
        s_shuffled[i] = s_shuffled[other];
        s_shuffled[other] = was;
    }
    for (uint64_t size = 0; size <= MAX_SIZE; size += size < 9000 ? 1 : 61) {
        int number = class_of(size);
        if (s_classes[number].slot_size < size || (number > 1 && s_classes[number - 1].slot_size >= size && size > 8))
            expect("a class that does not fit the size", size);
    }

    Heap *heap = twin_open();
    Cache *cache = twin_cache(heap);
    Plan plan = { s_sizes, s_order, s_held[0], s_held_sizes[0], s_ring, NULL, SIZES - 1, SIZES - 1, PLACES };
    expect("pair", twin_checked_pair(cache, &plan, STEPS));
    expect("pair64", twin_checked_pair64(cache, &plan, STEPS));
    Plan batch = plan;
    batch.order = s_shuffled;
    expect("batch", twin_checked_batch(cache, &batch, 20 * PLACES));
    expect("burst", twin_checked_burst(cache, &batch, 20 * PLACES));
    twin_checked_fill(cache, &plan, PLACES);
    expect("churn", twin_checked_churn(cache, &plan, STEPS));
    expect("churn's end", twin_checked_drain(cache, &plan, PLACES));
    for (uint64_t size = 64 << 10; size <= 4 << 20; size += 300000) {
        void *large = twin_alloc(cache, size), *other = twin_alloc(cache, size);
        put_all(large, size, 1);
        put_all(other, size, 2);
        expect("large", (uint64_t)bad_all(large, size, 1));
        twin_free(cache, large, size);
        twin_free(cache, other, size);
    }
    twin_cache_close(cache);

    Plan other = plan;
    other.held = s_held[1];
    other.held_sizes = s_held_sizes[1];
    memset(s_held, 0, sizeof s_held);
    expect("larson", together(heap, &plan, twin_checked_larson, &plan, twin_checked_larson));
    cache = twin_cache(heap);
    expect("larson's end", twin_checked_larson_drain(cache, &plan, PLACES));
    twin_cache_close(cache);
    expect("producer and consumer", together(heap, &plan, twin_checked_produce, &plan, twin_checked_consume));
    expect("two pairs", together(heap, &plan, twin_checked_pair, &other, twin_checked_pair));
    if (RECYCLER_CAS == 16)
        expect("slots that did not come home", twin_left_over(heap));
    twin_close(heap);
    return s_failures != 0;
}
