/* CONV_2D and FULLY_CONNECTED with weights of four bits, for cores with SMLAD. */
#ifndef EQ_INT4_TILES_H
#define EQ_INT4_TILES_H

#include "eq_dsp_conv.h"

/* Outputs are made `chunk` at a time, of which eq_dsp_tile.h tells: the weights of a word are two
   bytes here, a and b of one input, then of the next, each plus 8; `rest` holds the other five
   words of each pair. */
struct eq_int4_tiles {
    const int8_t *weights;
    const int32_t *rest;
    int32_t chunk;
    struct eq_dsp_conv conv;
};

/* `scratch` holds the stream of a chunk, then what eq_dsp_conv asks for. */
void eq_int4_tiles(const struct eq_int4_tiles *layer, const int8_t *x, int8_t *scratch, int8_t *y);

#endif
