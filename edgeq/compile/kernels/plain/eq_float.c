#include "eq_float.h"

/* Rounds half away from zero; what is far outside int8 saturates, and not-a-number is nought. */
static int32_t round_half_away(float v)
{
    const float bounded = v > 1e3f ? 1e3f : v < -1e3f ? -1e3f : v == v ? v : 0.0f;
    const int32_t whole = (int32_t)bounded;
    const float rest = bounded - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void eq_quantize(const struct eq_float *layer, const float *x, int8_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        const int32_t v = round_half_away(x[i] / layer->scale) + layer->zero;
        y[i] = (int8_t)(v < -128 ? -128 : v > 127 ? 127 : v);
    }
}

void eq_dequantize(const struct eq_float *layer, const int8_t *x, float *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = layer->scale * (float)(x[i] - layer->zero);
    }
}

void eq_dequantize_u8(const struct eq_float *layer, const uint8_t *x, float *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = layer->scale * (float)(x[i] - layer->zero);
    }
}
