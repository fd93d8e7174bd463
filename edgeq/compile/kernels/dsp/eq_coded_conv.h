/* CONV_2D and FULLY_CONNECTED that multiply codes as they read them, for cores with SMLAD. */
#ifndef EQ_CODED_CONV_H
#define EQ_CODED_CONV_H

#include "eq_coded_tile.h"
#include "eq_codes.h"
#include "eq_dsp_conv.h"

/* Tiles in the order of eq_dsp_conv.h, whose matrix has no stream but a multiple of four steps, of
   which `used` are of the windows. `rest` is that of eq_coded_tile.h, `make` its kernel.
   `conv` comes first. */
struct eq_coded_conv {
    struct eq_dsp_conv conv;
    struct eq_codes weights;
    const int32_t *rest;
    int32_t used;
    void (*make)(const struct eq_coded_tile *t, int32_t pixels);
};

/* `scratch` holds 256 words of what bytes stand for, unless codes have a single bit, whose table is
   the codes' own; then what eq_dsp_conv asks for. */
void eq_coded_conv(const struct eq_coded_conv *layer, const int8_t *x, int8_t *scratch, int8_t *y);

#endif
