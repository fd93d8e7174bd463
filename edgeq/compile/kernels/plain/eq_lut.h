/* Every function of one byte, as a table. */
#ifndef EQ_LUT_H
#define EQ_LUT_H

#include <stdint.h>

#include "eq_names.h"

/* `table` is indexed by the input's bits read as an unsigned byte. */
struct eq_lut {
    int32_t count;
    const int8_t *table;
};

void eq_lut(const struct eq_lut *layer, const int8_t *x, int8_t *y);

#endif
