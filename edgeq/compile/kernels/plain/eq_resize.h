/* RESIZE_BILINEAR of [batch][height][width][channels]. */
#ifndef EQ_RESIZE_H
#define EQ_RESIZE_H

#include <stdint.h>

#include "eq_names.h"

/* For each output row (or column) three numbers: the places of the input's rows around it, in
   bytes, and how far it is from the first one, in 1/1024. */
struct eq_resize {
    int32_t batch;
    int32_t in_bytes;
    int32_t rows;
    int32_t columns;
    int32_t channels;
    const int32_t *row;
    const int32_t *column;
};

void eq_resize(const struct eq_resize *layer, const int8_t *x, int8_t *y);

#endif
