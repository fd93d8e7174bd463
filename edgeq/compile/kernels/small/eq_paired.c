#include "eq_paired_words.h"

#if defined(__thumb2__) && defined(__GNUC__)
#define GROUP 1
static void sum_group(const struct eq_job *job, int32_t o, int32_t next, const int32_t *bias,
                        int32_t *acc)
{
    const int32_t depth = job->layer->depth;
    const int8_t *const w = job->layer->weights + o * depth;
    (void)next;
    eq_words_dot(job->columns, job->end, w, eq_words_start(depth, bias[o]), bias[o], acc);
}
#else
#define GROUP 2

/* Compilers that load the next chunk ahead of time run out of registers for the sums. */
#if defined(__GNUC__)
#define NO_LOADS_AHEAD __asm__ volatile("" ::: "memory")
#else
#define NO_LOADS_AHEAD ((void)0)
#endif

struct sums {
    uint32_t low;
    int32_t high;
};

static inline struct sums add_chunk(struct sums s, uint32_t x0, uint32_t w0, uint32_t x1,
                                    uint32_t w1)
{
    const uint32_t p = EQ_HALF + x0 * w0 + x1 * w1;
    s.low += p;
    s.high += (int32_t)p >> 16;
    return s;
}

static inline void take_apart(struct sums s, int32_t *acc)
{
    acc[0] = (int32_t)(s.low - ((uint32_t)s.high << 16));
    acc[1] = s.high;
}

/* One chunk of two outputs, whose weights are v and w: each load of pixels serves two products. */
static inline void add_taps(const uint32_t *x, const int8_t *v, const int8_t *w, struct sums *s)
{
    const uint32_t ab0 = x[0], cd0 = x[1], ab1 = x[2], cd1 = x[3];
    s[0] = add_chunk(s[0], ab0, (uint32_t)v[0], ab1, (uint32_t)v[1]);
    s[1] = add_chunk(s[1], cd0, (uint32_t)v[0], cd1, (uint32_t)v[1]);
    s[2] = add_chunk(s[2], ab0, (uint32_t)w[0], ab1, (uint32_t)w[1]);
    s[3] = add_chunk(s[3], cd0, (uint32_t)w[0], cd1, (uint32_t)w[1]);
}

static void sum_group(const struct eq_job *job, int32_t o, int32_t next, const int32_t *bias,
                      int32_t *acc)
{
    const int32_t depth = job->layer->depth;
    const int8_t *v = job->layer->weights + o * depth, *w = v + next * depth;
    const struct sums first = {eq_words_start(depth, bias[o]), bias[o]};
    const struct sums second = {eq_words_start(depth, bias[o + next]), bias[o + next]};
    struct sums s[4] = {first, first, second, second};
    const uint32_t *x;
    for (x = job->columns; x != job->end; x += 2 * EQ_CHUNK) {
        add_taps(x, v, w, s);
        NO_LOADS_AHEAD;
        add_taps(x + EQ_CHUNK, v + 2, w + 2, s);
        v += 4;
        w += 4;
    }
    take_apart(s[0], acc);
    take_apart(s[1], acc + 2);
    take_apart(s[2], acc + 4);
    take_apart(s[3], acc + 6);
}
#endif

void eq_paired(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y)
{
    eq_run_paired(layer, EQ_CHUNK, GROUP, scratch, x, y, eq_pack_words, sum_group);
}
