/* DEPTHWISE_CONV_2D with weights of four bits, for cores with SMLAD. */
#ifndef EQ_INT4_PLANE_H
#define EQ_INT4_PLANE_H

#include "eq_plane_any.h"

/* The weights of `chunk` input channels, those of eq_plane_any.h, are unpacked at once: two to a
   byte, the first in its low half, each plus 8. */
struct eq_int4_plane {
    const int8_t *weights;
    int32_t chunk;
    struct eq_plane_any any;
};

/* `scratch` holds the weights of a chunk in whole words, then what eq_plane_any asks for. */
void eq_int4_plane(const struct eq_int4_plane *layer, const int8_t *x, int8_t *scratch, int8_t *y);

#endif
