/* Products of matrices for cores with SMLAD: four pixels and two outputs at a time in registers. */
#ifndef EQ_DSP_TILE_H
#define EQ_DSP_TILE_H

#include "eq_base.h"

/* The whole of a layer's constants as one stream of words. For each pair of outputs (a, b):
   two biases; `steps` words of weights, each the bytes a[k] b[k] a[k'] b[k']; a word that holds
   the shifts of b and a and, from bit 16, the distance of b from a (0 where there is no b);
   the multipliers of b and a. A real factor is (multiplier + 2^32) * 2^-(33 + shift), 1 <= shift,
   and noughts stand in for what is missing. */
struct eq_dsp_matrix {
    const int32_t *stream;
    int32_t steps;
    int32_t outputs;
    int32_t zero;
};

/* y[4][outputs] of the pixels widened at x[steps][4], words of two int16 each. */
void eq_dsp_tile_4(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y);

/* y[outputs] of the pixel at x[steps][4], the first of four. */
void eq_dsp_tile_1(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y);

/* Widens `quads` times four bytes of four pixels, `next` bytes apart, to words at `to`: bytes 0
   and 2 of each pixel, then bytes 1 and 3. */
void eq_dsp_widen_4(const int8_t *x, int32_t next, int32_t quads, int32_t *to);

/* The same of a single pixel, into the first of four. */
void eq_dsp_widen_1(const int8_t *x, int32_t quads, int32_t *to);

/* Keeps `count` outputs within [min, max]. */
void eq_dsp_clamp(int8_t *y, int32_t count, int32_t min, int32_t max);

/* Two int16 in a word. */
static inline int32_t eq_dsp_pair(int32_t low, int32_t high)
{
    return (int32_t)(((uint32_t)low & 0xffffu) | ((uint32_t)high << 16));
}

/* Widens what is left of a pixel, at most three bytes, in their order. */
static inline void eq_dsp_widen_tail(const int8_t *x, int32_t tail, int32_t *to)
{
    if (tail > 0) {
        to[0] = eq_dsp_pair(x[0], tail > 1 ? x[1] : 0);
    }
    if (tail > 2) {
        to[4] = eq_dsp_pair(x[2], 0);
    }
}

#endif
