/* CONV_2D and FULLY_CONNECTED with weights of few distinct values, for cores with SMLAD. */
#ifndef EQ_CODED_TILES_H
#define EQ_CODED_TILES_H

#include "eq_codes.h"
#include "eq_dsp_conv.h"

/* Outputs are made `chunk` at a time. Of the stream that eq_dsp_tile.h tells of, a row of codes
   holds the weights of a pair of outputs (a, b): a and b of one input, then of the next; `rest`
   holds the other five words of each pair. */
struct eq_coded_tiles {
    struct eq_codes weights;
    const int32_t *rest;
    int32_t chunk;
    struct eq_dsp_conv conv;
};

/* `scratch` holds the stream of a chunk, then what eq_dsp_conv asks for. */
void eq_coded_tiles(const struct eq_coded_tiles *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y);

#endif
