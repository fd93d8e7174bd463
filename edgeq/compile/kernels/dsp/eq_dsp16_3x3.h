/* DEPTHWISE_CONV_2D on int16, 3x3, one output for each input channel. */
#ifndef EQ_DSP16_3X3_H
#define EQ_DSP16_3X3_H

#include "eq_dsp16_plane.h"
#include "eq_plane_lines.h"

/* `channel` holds five words for each channel: the rows of its kernel as bytes (w0, w1, w1, w2),
   the bias and the multiplier. The output is (sum * multiplier + 2^31) >> 32, no input takes a sum
   out of 32 bits, and a layer that is rectified saturates at 0. */
struct eq_dsp16_3x3 {
    struct eq_dsp16_plane plane;
    const int32_t *channel;
    int16_t min, max;
};

/* Strides 1 and 2. `planes` holds two planes and is aligned to words; the output may lie upon
   the input. */
void eq_dsp16_3x3_stride1(const struct eq_dsp16_3x3 *layer, const int16_t *x, int8_t *planes,
                          int16_t *y);
void eq_dsp16_3x3_stride2(const struct eq_dsp16_3x3 *layer, const int16_t *x, int8_t *planes,
                          int16_t *y);

/* Makes the lines of a channel, which saturate below at `least`. */
typedef void eq_dsp16_lines(const struct eq_lines *lines, int32_t least);

void eq_dsp16_3x3_walk(const struct eq_dsp16_3x3 *layer, int32_t stride, eq_dsp16_lines *make,
                       const int16_t *x, int16_t *planes, int16_t *y);

#ifdef EQ_PLANE_ASM
#define EQ_DSP16_MULTIPLY(sum) "smmulr " sum ", " sum ", r4\n"
#define EQ_DSP16_SIGNED(sum) "ssat " sum ", #16, " sum "\n"
#define EQ_DSP16_RECTIFIED(sum) "usat " sum ", #15, " sum "\n"
#else
void eq_dsp16_3x3_lines(const struct eq_lines *l, int32_t stride, int32_t least);
#endif

#endif
