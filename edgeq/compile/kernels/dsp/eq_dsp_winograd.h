/* CONV_2D with a 3x3 kernel and stride 1 by Winograd's F(2x2, 3x3), exact in integers, for cores
   with SMLAD (Lavin and Gray, arXiv:1509.09308, section 4.1). */
#ifndef EQ_DSP_WINOGRAD_H
#define EQ_DSP_WINOGRAD_H

#include "eq_base.h"
#include "eq_window.h"

/* Both factors of G are doubled: the sums are four times what they stand for. `stream` holds for
   each pair of outputs (a, b): two biases; for each of 16 places and each of in_c / 2 pairs of
   inputs (0 and 2, 1 and 3 of each four) the word of a and the word of b; shifts and multipliers
   as in eq_dsp_tile.h. Inputs come in fours, outputs in twos. */
struct eq_dsp_winograd {
    struct eq_window window;
    int8_t in_zero, zero, min, max;
    const int32_t *stream;
};

/* Two rows and eight columns of outputs at a time: all that they read is read before any of them
   is written. `scratch` holds 128 * in_c bytes of transformed inputs, 512 of sums, and the 4 x 10
   pixels that they read. */
void eq_dsp_winograd(const struct eq_dsp_winograd *layer, const int8_t *x, int8_t *scratch,
                     int8_t *y);

#endif
