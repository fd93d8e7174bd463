/* DEPTHWISE_CONV_2D of any window and any number of outputs for each input channel: channel after
   channel, each gathered into a plane of int16 that has the padding around it. */
#ifndef EQ_PLANE_ANY_H
#define EQ_PLANE_ANY_H

#include "eq_plane.h"

#define EQ_PLANE_WORDS 64

/* Of `plane` counts the geometry. Each of its channels has `copies` outputs. A window is `rows` of
   2 * `words` elements, `row_step` apart; `step` leads to the next output, `advance` to the next
   line. weights[channels][copies][rows][2 * words]: noughts stand between taps that a dilation
   parts, and after the last one. */
struct eq_plane_any {
    struct eq_plane plane;
    int32_t copies;
    int32_t rows, words, row_step;
    int32_t step, advance;
    const int8_t *weights;
    struct eq_output out;
};

/* `plane` is aligned to words; rows * words <= EQ_PLANE_WORDS. */
void eq_plane_any(const struct eq_plane_any *layer, const int8_t *x, int8_t *plane, int8_t *y);

#endif
