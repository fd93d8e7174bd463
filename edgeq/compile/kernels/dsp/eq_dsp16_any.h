/* DEPTHWISE_CONV_2D on int16 of any window and any number of outputs for each input channel. */
#ifndef EQ_DSP16_ANY_H
#define EQ_DSP16_ANY_H

#include "eq_dsp16_plane.h"
#include "eq_int16.h"

#define EQ_DSP16_WORDS 64

/* Each channel of the plane has `copies` outputs. A window is `rows` of 2 * `words` elements,
   `row_step` apart; `step` leads to the next output, `advance` to the next line.
   weights[channels][copies][rows][2 * words]: noughts stand between taps that a dilation parts, and
   after the last one. No input takes a sum out of 32 bits. */
struct eq_dsp16_any {
    struct eq_dsp16_plane plane;
    int32_t copies;
    int32_t rows, words, row_step;
    int32_t step, advance;
    const int8_t *weights;
    struct eq_int16_output out;
};

/* `plane` is aligned to words; rows * words <= EQ_DSP16_WORDS. */
void eq_dsp16_any(const struct eq_dsp16_any *layer, const int16_t *x, int8_t *plane, int16_t *y);

#endif
