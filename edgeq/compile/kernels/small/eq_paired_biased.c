#include "eq_paired_tile.h"

/* A chunk is two taps of four pixels: for each pair of pixels a start value, then the pairs of the
   first tap and those of the second. With w' = w + 128 as the stored weight,

       start + sum(X * w') = sum(X * w) + 2^15 = (S0 + 2^15) + 2^16 * S1   (mod 2^32)

   where start = 2^15 - 128 * sum(X). |S0| and |S1| are at most 32767, for two weights are never
   both -128; so the upper half is S1 and the lower one S0 + 2^15, without a carry between them.
   Over all chunks `low` sums up whole words and `high` their upper halves: the first pixel's sum is
   low - 2^16 * high, the second's is `high`. */
#define CHUNK 6

/* Packs the taps of two pixels, every other word of the chunks. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
static void pack_pair(uint32_t *out, const int8_t *a, const int8_t *b, int32_t run)
{
    const int8_t *const a_end = a + run, *const b_end = b + run;
    int32_t k = -run;
    __asm__ volatile(
        ".syntax unified\n movs r4, #128\n lsls r4, r4, #8\n mov r8, r4\n"
        "1:\n ldrsb r4, [%[a], %[k]]\n ldrsb r5, [%[b], %[k]]\n"
        "lsls r5, r5, #16\n adds r4, r4, r5\n str r4, [%[out], #8]\n adds %[k], #1\n"
        "ldrsb r5, [%[a], %[k]]\n ldrsb r6, [%[b], %[k]]\n"
        "lsls r6, r6, #16\n adds r5, r5, r6\n str r5, [%[out], #16]\n"
        "adds r4, r4, r5\n lsls r4, r4, #7\n mov r5, r8\n subs r5, r5, r4\n"
        "str r5, [%[out]]\n adds %[out], #24\n adds %[k], #1\n bne 1b\n"
        : [out] "+&l"(out), [k] "+&l"(k)
        : [a] "l"(a_end), [b] "l"(b_end)
        : "r4", "r5", "r6", "r8", "cc", "memory");
}
#else
static void pack_pair(uint32_t *out, const int8_t *a, const int8_t *b, int32_t run)
{
    int32_t k;
    for (k = 0; k < run; k += 2) {
        out[2] = (uint32_t)a[k] + ((uint32_t)b[k] << 16);
        out[4] = (uint32_t)a[k + 1] + ((uint32_t)b[k + 1] << 16);
        out[0] = 0x8000u - ((out[2] + out[4]) << 7);
        out += CHUNK;
    }
}
#endif

static uint32_t *pack_taps(uint32_t *out, const int8_t *const *row, int32_t run)
{
    const int32_t even = run & ~1;
    if (even) {
        pack_pair(out, row[0], row[1], even);
        pack_pair(out + 1, row[2], row[3], even);
        out += even / 2 * CHUNK;
    }
    if (even != run) {
        out[2] = (uint32_t)row[0][even] + ((uint32_t)row[1][even] << 16);
        out[3] = (uint32_t)row[2][even] + ((uint32_t)row[3][even] << 16);
        out[0] = 0x8000u - (out[2] << 7);
        out[1] = 0x8000u - (out[3] << 7);
        out[4] = out[5] = 0;
        out += CHUNK;
    }
    return out;
}

/* acc[i] = bias + the sum of pixel i, over the chunks in [x, end), whose number is even. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
#define TAP(tap)                                                                                  \
    "ldrb r6, [%[w], #" #tap "]\n muls r4, r6, r4\n muls r5, r6, r5\n"                            \
    "adds r2, r2, r4\n adds r3, r3, r5\n"
#define TWO_TAPS(first, second)                                                                   \
    "ldmia %[x]!, {r2, r3, r4, r5}\n" TAP(first)                                                  \
    "ldmia %[x]!, {r4, r5}\n" TAP(second)                                                         \
    "add r8, r2\n asrs r2, r2, #16\n add r9, r2\n"                                                \
    "add r10, r3\n asrs r3, r3, #16\n add r11, r3\n"

static inline void dot(const uint32_t *x, const uint32_t *end, const uint8_t *w, int32_t bias,
                       uint32_t low, int32_t *acc)
{
    register int32_t first __asm__("r2") = (int32_t)low;
    register int32_t second __asm__("r3") = bias;
    register int32_t third __asm__("r4") = (int32_t)(uintptr_t)end;
    register int32_t fourth __asm__("r5");
    __asm__(".syntax unified\n mov r8, r2\n mov r9, r3\n mov r10, r2\n mov r11, r3\n mov r12, r4\n"
            "1:\n" TWO_TAPS(0, 1) TWO_TAPS(2, 3)
            "adds %[w], #4\n cmp %[x], r12\n bne 1b\n"
            "mov r3, r9\n lsls r6, r3, #16\n mov r2, r8\n subs r2, r2, r6\n"
            "mov r5, r11\n lsls r6, r5, #16\n mov r4, r10\n subs r4, r4, r6\n"
            : [x] "+l"(x), [w] "+l"(w), "+l"(first), "+l"(second), "+l"(third), "=&l"(fourth)
            :
            : "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    acc[0] = first;
    acc[1] = second;
    acc[2] = third;
    acc[3] = fourth;
}
#else
static inline void dot(const uint32_t *x, const uint32_t *end, const uint8_t *w, int32_t bias,
                       uint32_t low, int32_t *acc)
{
    uint32_t low0 = low, low1 = low;
    int32_t high0 = bias, high1 = bias;
    for (; x != end; x += CHUNK) {
        const uint32_t p0 = x[0] + x[2] * w[0] + x[4] * w[1];
        const uint32_t p1 = x[1] + x[3] * w[0] + x[5] * w[1];
        low0 += p0;
        low1 += p1;
        high0 += (int32_t)p0 >> 16;
        high1 += (int32_t)p1 >> 16;
        w += 2;
    }
    acc[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    acc[1] = high0;
    acc[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    acc[3] = high1;
}
#endif

static void sum_output(const struct eq_job *job, int32_t o, int32_t next, const int32_t *bias,
                       int32_t *acc)
{
    const int32_t depth = job->layer->depth;
    const uint8_t *const w = (const uint8_t *)job->layer->weights + o * depth;
    const uint32_t low = (uint32_t)bias[o] * 0x10001u - ((uint32_t)depth << 14);
    (void)next;
    dot(job->columns, job->end, w, bias[o], low, acc);
}

void eq_paired_biased(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y)
{
    eq_run_paired(layer, CHUNK, 1, scratch, x, y, pack_taps, sum_output);
}
