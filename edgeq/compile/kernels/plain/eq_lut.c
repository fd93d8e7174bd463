#include "eq_lut.h"

void eq_lut(const struct eq_lut *layer, const int8_t *x, int8_t *y)
{
    const int8_t *const table = layer->table;
    int32_t n;
    for (n = layer->count >> 2; n > 0; n--) {
        y[0] = table[(uint8_t)x[0]];
        y[1] = table[(uint8_t)x[1]];
        y[2] = table[(uint8_t)x[2]];
        y[3] = table[(uint8_t)x[3]];
        x += 4;
        y += 4;
    }
    for (n = layer->count & 3; n > 0; n--) {
        *y++ = table[(uint8_t)*x++];
    }
}
