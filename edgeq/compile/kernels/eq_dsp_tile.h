/* Products of matrices for cores with SMLAD: four pixels and two outputs at a time in registers. */
#ifndef EQ_DSP_TILE_H
#define EQ_DSP_TILE_H

#include "eq_base.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__)
#define EQ_DSP_ASM 1
#endif

/* The whole of a layer's constants as one stream of words. For each pair of outputs (a, b):
   two biases; `steps` words of weights, each the bytes a[k] b[k] a[k'] b[k']; a word that holds
   the shifts of b and a and, from bit 16, the distance of b from a (0 where there is no b);
   the multipliers of b and a. A real factor is (multiplier + 2^32) * 2^-(33 + shift), 1 <= shift,
   and noughts stand in for what is missing. */
struct eq_dsp_matrix {
    const int32_t *stream;
    int32_t steps;
    int32_t outputs;
    int8_t zero, min, max;
};

/* y[pixels][outputs] of the at most four pixels widened at x[steps][4], words of two int16. */
void eq_dsp_tile(const struct eq_dsp_matrix *m, const int32_t *x, int32_t pixels, int8_t *y);

/* What a pixel reads: `count` runs, `step` bytes apart, each of `quads` fours and `tail` bytes. */
struct eq_dsp_runs {
    int32_t count;
    int32_t quads;
    int32_t step;
    int32_t tail;
};

/* Widens the runs of `pixels` pixels, one or four, `next` bytes apart: for each four the words of
   bytes 0 and 2, then of bytes 1 and 3, at to[][4]; for each tail its bytes in order at rest[][4],
   an odd one beside a nought. */
void eq_dsp_widen(const struct eq_dsp_runs *runs, const int8_t *x, int32_t pixels, int32_t next,
                  int32_t *to, int32_t *rest);

/* Four bytes at any address, as a word. */
static inline int32_t eq_dsp_load(const int8_t *x)
{
#ifdef EQ_DSP_ASM
    int32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const int32_t(*)[1])(const void *)x));
    return word;
#else
    const uint32_t low = (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8;
    return (int32_t)(low | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24);
#endif
}

static inline void eq_dsp_store(int8_t *y, int32_t word)
{
#ifdef EQ_DSP_ASM
    __asm__("str %1, %0" : "=m"(*(int32_t(*)[1])(void *)y) : "r"(word));
#else
    y[0] = (int8_t)word;
    y[1] = (int8_t)(word >> 8);
    y[2] = (int8_t)(word >> 16);
    y[3] = (int8_t)(word >> 24);
#endif
}

/* Two int16 in a word. */
static inline int32_t eq_dsp_pair(int32_t low, int32_t high)
{
    return (int32_t)(((uint32_t)low & 0xffffu) | ((uint32_t)high << 16));
}

#endif
