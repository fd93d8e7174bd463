/* Products of matrices for cores with SMLAD: four pixels and two outputs at a time in registers. */
#ifndef EQ_DSP_TILE_H
#define EQ_DSP_TILE_H

#include "eq_dsp.h"

/* The whole of a layer's constants as one stream of words. For each pair of outputs (a, b):
   the bias of a; `steps` words of weights, each two int16 a + 256 b, so that a sum of b is a sum
   of both less one of a; the bias of b; a word that holds the shifts of b and a and, from bit 16,
   the distance of b from a (0 where there is no b); the multipliers of b and a. A real factor is
   (multiplier + 2^32) * 2^-(33 + shift), 1 <= shift, and noughts stand in for what is missing.
   A pixel has `outputs` outputs, of which the stream makes the first `made`. */
struct eq_dsp_matrix {
    const int32_t *stream;
    int32_t steps;
    int32_t outputs;
    int8_t zero, min, max;
    int32_t made;
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

/* Widens the runs of at most four pixels, `next` bytes apart: for each four the words of bytes 0
   and 2, then of bytes 1 and 3, at to[][4]; the tails in pairs at rest[][4], bytes of one run or,
   where a tail is a single byte, of two runs. The last of an odd number stands alone. */
void eq_dsp_widen(const struct eq_dsp_runs *runs, const int8_t *x, int32_t pixels, int32_t next,
                  int32_t *to, int32_t *rest);

/* The words of the tails of a pixel. */
static inline int32_t eq_dsp_tails(const struct eq_dsp_runs *runs)
{
    return runs->tail == 1 ? (runs->count + 1) / 2 : (runs->tail + 1) / 2 * runs->count;
}

#endif
