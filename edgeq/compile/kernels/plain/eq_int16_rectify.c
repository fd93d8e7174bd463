#include "eq_int16_rectify.h"

void eq_int16_rectify(const struct eq_int16_rectify *layer, const int16_t *x, int16_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        int32_t v;
        if (x[i] >= 0) {
            v = eq_requantize(x[i], layer->multiplier, layer->shift);
        } else {
            v = layer->sign * eq_requantize(x[i], layer->below_multiplier, layer->below_shift);
        }
        y[i] = (int16_t)eq_clamp(v, layer->min, layer->max);
    }
}
