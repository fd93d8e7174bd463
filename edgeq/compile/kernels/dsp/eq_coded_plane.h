/* DEPTHWISE_CONV_2D with weights of few distinct values, for cores with SMLAD. */
#ifndef EQ_CODED_PLANE_H
#define EQ_CODED_PLANE_H

#include "eq_codes.h"
#include "eq_plane.h"

/* Channels are made `chunk` at a time, an even number of them. Of the five words of a channel that
   eq_plane.h tells of, a row of codes holds the first three as bytes, `rest` the other two. */
struct eq_coded_plane {
    struct eq_codes weights;
    const int32_t *rest;
    int32_t chunk;
    void (*kernel)(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y);
    struct eq_plane plane;
};

/* `scratch` holds five words for each channel of a chunk, then what the kernel asks for. */
void eq_coded_plane(const struct eq_coded_plane *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y);

#endif
