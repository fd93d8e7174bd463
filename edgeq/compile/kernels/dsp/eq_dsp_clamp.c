#include "eq_dsp_clamp.h"

#include "eq_dsp_bytes.h"

void eq_dsp_clamp_bytes(const struct eq_dsp_clamp *layer, const int8_t *x, int8_t *y)
{
    const uint32_t min = 0x01010101u * (uint8_t)layer->min;
    const uint32_t max = 0x01010101u * (uint8_t)layer->max;
    int32_t n;
    for (n = layer->count >> 2; n > 0; n--) {
        eq_store_four(y, eq_smaller_bytes(eq_larger_bytes(eq_load_four(x), min), max));
        x += 4;
        y += 4;
    }
    for (n = layer->count & 3; n > 0; n--) {
        *y++ = (int8_t)eq_clamp(*x++, layer->min, layer->max);
    }
}
