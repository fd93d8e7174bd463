/* Pixels packed two to a word, for weights that have a sign. */
#ifndef EQ_PAIRED_WORDS_H
#define EQ_PAIRED_WORDS_H

#include "eq_paired_tile.h"

/* A chunk is two taps of four pixels, ab0 cd0 ab1 cd1. For a pair of pixels

       p = 2^15 + sum(X * w) = (S0 + 2^15) + 2^16 * S1   (mod 2^32)

   where |S0| and |S1| are at most 32767, for two weights are never both -128; so the upper half is
   S1 and the lower one S0 + 2^15, without a carry between them. Over all chunks `low` sums up whole
   words and `high` their upper halves: the first pixel's sum is low - 2^16 * high, the second's is
   `high`. */
#define EQ_CHUNK 4
#define EQ_HALF 0x8000u

static inline uint32_t *eq_pack_words(uint32_t *out, const int8_t *const *row, int32_t run)
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

/* Where `low` starts: that of `high` is the bias. */
static inline uint32_t eq_words_start(int32_t depth, int32_t bias)
{
    return (uint32_t)bias * 0x10001u - ((uint32_t)depth << 14);
}

/* acc[i] = the sum of pixel i, over the chunks in [x, end), whose number is even. */
#if defined(__thumb2__) && defined(__GNUC__)
#define EQ_TWO_TAPS                                                                               \
    "ldmia %[x]!, {r4, r5, r6, r8}\n ldrsb r9, [%[w]], #1\n"                                      \
    "mla r4, r4, r9, %[half]\n mla r5, r5, r9, %[half]\n ldrsb r9, [%[w]], #1\n"                  \
    "mla r4, r6, r9, r4\n mla r5, r8, r9, r5\n"                                                  \
    "add %[low0], %[low0], r4\n add %[high0], %[high0], r4, asr #16\n"                           \
    "add %[low1], %[low1], r5\n add %[high1], %[high1], r5, asr #16\n"

static inline void eq_words_dot(const uint32_t *x, const uint32_t *end, const int8_t *w,
                                uint32_t low0, int32_t high0, int32_t *acc)
{
    uint32_t low1 = low0;
    int32_t high1 = high0;
    __asm__("1:\n"
            EQ_TWO_TAPS EQ_TWO_TAPS
            "cmp %[x], %[end]\n bne 1b\n"
            : [x] "+&r"(x), [w] "+&r"(w), [low0] "+&r"(low0), [low1] "+&r"(low1),
              [high0] "+&r"(high0), [high1] "+&r"(high1)
            : [end] "r"(end), [half] "r"(EQ_HALF)
            : "r4", "r5", "r6", "r8", "r9", "cc", "memory");
    acc[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    acc[1] = high0;
    acc[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    acc[3] = high1;
}
#else
static inline void eq_words_dot(const uint32_t *x, const uint32_t *end, const int8_t *w,
                                uint32_t low0, int32_t high0, int32_t *acc)
{
    uint32_t low1 = low0;
    int32_t high1 = high0;
    for (; x != end; x += EQ_CHUNK, w += 2) {
        const uint32_t p0 = EQ_HALF + x[0] * (uint32_t)w[0] + x[2] * (uint32_t)w[1];
        const uint32_t p1 = EQ_HALF + x[1] * (uint32_t)w[0] + x[3] * (uint32_t)w[1];
        low0 += p0;
        low1 += p1;
        high0 += (int32_t)p0 >> 16;
        high1 += (int32_t)p1 >> 16;
    }
    acc[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    acc[1] = high0;
    acc[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    acc[3] = high1;
}
#endif

#endif
