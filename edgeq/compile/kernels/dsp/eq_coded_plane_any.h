/* DEPTHWISE_CONV_2D of any window with weights of few distinct values, for cores with SMLAD. */
#ifndef EQ_CODED_PLANE_ANY_H
#define EQ_CODED_PLANE_ANY_H

#include "eq_codes.h"
#include "eq_plane_any.h"

/* Input channels are taken `chunk` at a time: a row of codes holds the weights of one. */
struct eq_coded_plane_any {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_plane_any any;
};

/* `scratch` holds the weights of a chunk in whole words, then what eq_plane_any asks for. */
void eq_coded_plane_any(const struct eq_coded_plane_any *layer, const int8_t *x, int8_t *scratch,
                        int8_t *y);

#endif
