#include "eq_paired_tile.h"

/* A chunk is two taps of four pixels, ab0 cd0 ab1 cd1. For a pair of pixels

       p = 2^15 + sum(X * w) = (S0 + 2^15) + 2^16 * S1   (mod 2^32)

   where |S0| and |S1| are at most 32767, for two weights are never both -128; so the upper half is
   S1 and the lower one S0 + 2^15, without a carry between them. Over all chunks `low` sums up whole
   words and `high` their upper halves: the first pixel's sum is low - 2^16 * high, the second's is
   `high`. */
#define CHUNK 4
#define HALF 0x8000u

static uint32_t *pack_taps(uint32_t *out, const int8_t *const *row, int32_t run)
{
    const int8_t *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    int32_t k;
    for (k = 0; k < run; k++) {
        out[0] = (uint32_t)*a++ + ((uint32_t)*b++ << 16);
        out[1] = (uint32_t)*c++ + ((uint32_t)*d++ << 16);
        out += 2;
    }
    if (run % 2) {
        out[0] = out[1] = 0;
        out += 2;
    }
    return out;
}

static uint32_t start_of(const struct eq_job *job, int32_t bias)
{
    return (uint32_t)bias * 0x10001u - ((uint32_t)job->layer->depth << 14);
}

#if defined(__thumb2__) && defined(__GNUC__)
#define GROUP 1
#define TWO_TAPS                                                                                  \
    "ldmia %[x]!, {r4, r5, r6, r8}\n ldrsb r9, [%[w]], #1\n"                                      \
    "mla r4, r4, r9, %[half]\n mla r5, r5, r9, %[half]\n ldrsb r9, [%[w]], #1\n"                  \
    "mla r4, r6, r9, r4\n mla r5, r8, r9, r5\n"                                                  \
    "add %[low0], %[low0], r4\n add %[high0], %[high0], r4, asr #16\n"                           \
    "add %[low1], %[low1], r5\n add %[high1], %[high1], r5, asr #16\n"

static inline void dot(const uint32_t *x, const uint32_t *end, const int8_t *w, uint32_t low0,
                       int32_t high0, int32_t *acc)
{
    uint32_t low1 = low0;
    int32_t high1 = high0;
    __asm__("1:\n"
            TWO_TAPS TWO_TAPS
            "cmp %[x], %[end]\n bne 1b\n"
            : [x] "+&r"(x), [w] "+&r"(w), [low0] "+&r"(low0), [low1] "+&r"(low1),
              [high0] "+&r"(high0), [high1] "+&r"(high1)
            : [end] "r"(end), [half] "r"(HALF)
            : "r4", "r5", "r6", "r8", "r9", "cc", "memory");
    acc[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    acc[1] = high0;
    acc[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    acc[3] = high1;
}

static void sum_group(const struct eq_job *job, int32_t o, int32_t next, const int32_t *bias,
                        int32_t *acc)
{
    const int8_t *const w = job->layer->weights + o * job->layer->depth;
    (void)next;
    dot(job->columns, job->end, w, start_of(job, bias[o]), bias[o], acc);
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
    const uint32_t p = HALF + x0 * w0 + x1 * w1;
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
    const struct sums first = {start_of(job, bias[o]), bias[o]};
    const struct sums second = {start_of(job, bias[o + next]), bias[o + next]};
    struct sums s[4] = {first, first, second, second};
    const uint32_t *x;
    for (x = job->columns; x != job->end; x += 2 * CHUNK) {
        add_taps(x, v, w, s);
        NO_LOADS_AHEAD;
        add_taps(x + CHUNK, v + 2, w + 2, s);
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
    eq_run_paired(layer, CHUNK, GROUP, scratch, x, y, pack_taps, sum_group);
}
