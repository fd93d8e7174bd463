/* DEPTHWISE_CONV_2D, 3x3, one output for each input channel: channel after channel, each gathered
   into a plane of int16 that has the padding around it. */
#ifndef EQ_PLANE_H
#define EQ_PLANE_H

#include "eq_base.h"

/* The output is saturated (256 * sum + bias) * multiplier >> (32 + EQ_PLANE_SHIFT), which the
   compiler proves equal to TFLite's rounding, channel by channel. */
#define EQ_PLANE_SHIFT 9
/* In `shift`: a channel with that proof. The others go through eq_requantize. */
#define EQ_PLANE_PROVED 127

/* A line runs along the longer side of the image. Steps and the pitch are in bytes; `first` and
   `elements` count int16 of the plane. `channel` holds five words for each channel: the rows of
   its kernel as bytes (w0, w1, w1, w2), the bias and the multiplier. */
struct eq_plane {
    int32_t batch, in_bytes, out_bytes;
    int32_t channels;
    int32_t in_lines, in_length, in_line_step, in_step;
    int32_t out_lines, out_length, out_line_step, out_step;
    int32_t pitch, first, elements;
    int8_t in_zero;
    int8_t zero, min, max;
    const int32_t *channel;
    const int8_t *shift;
};

/* Strides 1 and 2. `plane` holds two planes and is aligned to words; the output may lie upon
   the input. */
void eq_plane_stride1(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y);
void eq_plane_stride2(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y);

#endif
