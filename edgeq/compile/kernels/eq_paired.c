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

/* Adds the chunks in [x, end), whose number is even, to low[pair] and high[pair]. */
#if defined(__thumb2__) && defined(__GNUC__)
#define TWO_TAPS(first)                                                                           \
    "ldmia %[x]!, {r4, r5, r6, r8}\n" first                                                       \
    "mla r4, r4, r9, %[half]\n mla r5, r5, r9, %[half]\n"
#define TAKE_APART                                                                                \
    "mla r4, r6, r9, r4\n mla r5, r8, r9, r5\n"                                                  \
    "add %[low0], %[low0], r4\n add %[high0], %[high0], r4, asr #16\n"                           \
    "add %[low1], %[low1], r5\n add %[high1], %[high1], r5, asr #16\n"

static inline void add_chunks(const uint32_t *x, const uint32_t *end, const int8_t *w,
                              uint32_t *low, int32_t *high)
{
    uint32_t low0 = low[0], low1 = low[1];
    int32_t high0 = high[0], high1 = high[1];
    __asm__("1:\n"
            TWO_TAPS("ldrsb r9, [%[w], #0]\n") "ldrsb r9, [%[w], #1]\n" TAKE_APART
            TWO_TAPS("ldrsb r9, [%[w], #2]\n") "ldrsb r9, [%[w], #3]\n" TAKE_APART
            "adds %[w], %[w], #4\n cmp %[x], %[end]\n bne 1b\n"
            : [x] "+r"(x), [w] "+r"(w), [low0] "+r"(low0), [low1] "+r"(low1),
              [high0] "+r"(high0), [high1] "+r"(high1)
            : [end] "r"(end), [half] "r"(HALF)
            : "r4", "r5", "r6", "r8", "r9", "cc", "memory");
    low[0] = low0;
    low[1] = low1;
    high[0] = high0;
    high[1] = high1;
}
#else
static inline void add_chunks(const uint32_t *x, const uint32_t *end, const int8_t *w,
                              uint32_t *low, int32_t *high)
{
    uint32_t low0 = low[0], low1 = low[1];
    int32_t high0 = high[0], high1 = high[1];
    for (; x != end; x += 2 * CHUNK) {
        const uint32_t w0 = (uint32_t)w[0], w1 = (uint32_t)w[1];
        const uint32_t w2 = (uint32_t)w[2], w3 = (uint32_t)w[3];
        const uint32_t p0 = HALF + x[0] * w0 + x[2] * w1, p1 = HALF + x[1] * w0 + x[3] * w1;
        const uint32_t p2 = HALF + x[4] * w2 + x[6] * w3, p3 = HALF + x[5] * w2 + x[7] * w3;
        low0 += p0 + p2;
        low1 += p1 + p3;
        high0 += ((int32_t)p0 >> 16) + ((int32_t)p2 >> 16);
        high1 += ((int32_t)p1 >> 16) + ((int32_t)p3 >> 16);
        w += 4;
    }
    low[0] = low0;
    low[1] = low1;
    high[0] = high0;
    high[1] = high1;
}
#endif

static void sum_output(const struct eq_job *job, int32_t o, int32_t bias, int32_t *acc)
{
    const int32_t depth = job->layer->depth;
    const uint32_t start = (uint32_t)bias * 0x10001u - ((uint32_t)depth << 14);
    uint32_t low[2] = {start, start};
    int32_t high[2] = {bias, bias};
    add_chunks(job->columns, job->end, job->layer->weights + o * depth, low, high);
    acc[0] = (int32_t)(low[0] - ((uint32_t)high[0] << 16));
    acc[1] = high[0];
    acc[2] = (int32_t)(low[1] - ((uint32_t)high[1] << 16));
    acc[3] = high[1];
}

void eq_paired(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y)
{
    eq_run_paired(layer, CHUNK, scratch, x, y, pack_taps, sum_output);
}
