#include "eq_lut.h"

void eq_lut(const struct eq_lut *layer, const int8_t *x, int8_t *y)
{
    const int8_t *const table = layer->table;
    const int32_t count = layer->count;
    int32_t i;
    for (i = 0; i < count; i++) {
        y[i] = table[(uint8_t)x[i]];
    }
}
