/* RELU and its kin where input and output are quantised alike, on the DSP extension. */
#ifndef EQ_DSP_CLAMP_H
#define EQ_DSP_CLAMP_H

#include "eq_base.h"

struct eq_dsp_clamp {
    int32_t count;
    int8_t min, max;
};

/* y may be x. */
void eq_dsp_clamp_bytes(const struct eq_dsp_clamp *layer, const int8_t *x, int8_t *y);

#endif
