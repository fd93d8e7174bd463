#include "eq_small_sum.h"

void eq_small_sum(const struct eq_small_sum *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    const struct eq_small_sum s = *layer;
    int32_t i;
    for (i = 0; i < s.count; i++) {
        const int32_t left = a[i] * s.a_high + ((a[i] * (int32_t)s.a_low) >> 8);
        const int32_t right = b[i] * s.b_high + ((b[i] * (int32_t)s.b_low) >> 8);
        y[i] = (int8_t)eq_clamp((left + right + s.offset) >> 21, INT8_MIN, INT8_MAX);
    }
}
