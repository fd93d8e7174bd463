#include "eq_float_16.h"

/* Rounds half away from zero; what is far outside int16 saturates, and not-a-number is nought. */
static int32_t round_half_away(float v)
{
    const float bounded = v > 1e5f ? 1e5f : v < -1e5f ? -1e5f : v == v ? v : 0.0f;
    const int32_t whole = (int32_t)bounded;
    const float rest = bounded - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void eq_quantize_16(const struct eq_float *layer, const float *x, int16_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        const int32_t v = round_half_away(x[i] / layer->scale) + layer->zero;
        y[i] = (int16_t)eq_clamp(v, INT16_MIN, INT16_MAX);
    }
}

void eq_dequantize_16(const struct eq_float *layer, const int16_t *x, float *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = layer->scale * (float)(x[i] - layer->zero);
    }
}

void eq_convert_16(const struct eq_convert_16 *layer, const void *x, void *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        const int32_t q = layer->from == 1 ? ((const int8_t *)x)[i] : ((const int16_t *)x)[i];
        const int32_t v =
            eq_requantize(q - layer->in_zero, layer->multiplier, layer->shift) + layer->zero;
        if (layer->to == 1) {
            ((int8_t *)y)[i] = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
        } else {
            ((int16_t *)y)[i] = (int16_t)eq_clamp(v, INT16_MIN, INT16_MAX);
        }
    }
}
