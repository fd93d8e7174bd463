/* CONV_2D on int16 around nought, for cores with SMLALD: sums of 64 bits. */
#ifndef EQ_DSP16_LONG_H
#define EQ_DSP16_LONG_H

#include "eq_dsp16_windows.h"
#include "eq_int16.h"

/* For each pair of outputs (a, b), filled up with nought, `steps` words: the weights (a, b, a, b)
   of two inputs. */
struct eq_dsp16_long {
    struct eq_window window;
    const int32_t *weights;
    int32_t steps;
    struct eq_int16_output out;
};

void eq_dsp16_long(const struct eq_dsp16_long *layer, const int16_t *x, int8_t *scratch,
                   int16_t *y);

#endif
