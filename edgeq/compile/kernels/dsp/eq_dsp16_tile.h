/* Products of int16 with int8 for cores with SMLAD: four pixels and two outputs at a time. */
#ifndef EQ_DSP16_TILE_H
#define EQ_DSP16_TILE_H

#include "eq_dsp16_windows.h"

/* How sums become int16, halves up: (sum * multiplier + 2^31) >> 32. Or rounded twice, as
   eq_requantize does: sum * (multiplier + 2^32) * 2^-(33 + shift), 1 <= shift. Sums that are
   rectified saturate at 0 and 32767. */
#define EQ_DSP16_RECTIFIED 1
#define EQ_DSP16_TWICE 2

/* The whole of a layer's constants as one stream of words. For each pair of outputs (a, b): the
   biases of a and b; the weights (a, b, a, b) of two inputs in each word, for every step; a word
   that holds the shifts of b and a and, from bit 16, the bytes from a to b (0 where there is no
   b); the multipliers of b and a. No input takes a sum out of 32 bits. */
struct eq_dsp16_matrix {
    const int32_t *stream;
    int32_t steps;
    int32_t outputs;
    int32_t finish;
    int16_t min;
    int16_t max;
};

struct eq_dsp16_conv {
    struct eq_window window;
    struct eq_dsp16_matrix matrix;
};

void eq_dsp16_conv(const struct eq_dsp16_conv *layer, const int16_t *x, int8_t *scratch,
                   int16_t *y);

#endif
