/* CAST between int8, int16, int32 and float32. */
#ifndef EQ_CAST_H
#define EQ_CAST_H

#include <stdint.h>

#include "eq_names.h"

/* A kind is the bytes of an integer, or nought for a float. */
struct eq_cast {
    int32_t count;
    int8_t from;
    int8_t to;
};

void eq_cast(const struct eq_cast *layer, const void *x, void *y);

#endif
