/* DEPTHWISE_CONV_2D on int16 around nought, one output for each of at least four channels, without
   memory of its own: pixel after pixel, four channels at once, for cores with the DSP extension. */
#ifndef EQ_DSP16_CHANNELS_H
#define EQ_DSP16_CHANNELS_H

#include "eq_int16.h"

/* weights[kernel_h][kernel_w][fours]: a word has those of channels 0, 2, 1 and 3 of four. The last
   four of a number that is no multiple of it overlap those before them. No input takes a sum out
   of 32 bits. */
struct eq_dsp16_channels {
    struct eq_window window;
    const int32_t *weights;
    struct eq_int16_output out;
};

void eq_dsp16_channels(const struct eq_dsp16_channels *layer, const int16_t *x, int16_t *y);

#endif
