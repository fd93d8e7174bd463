#include "eq_cast.h"

static int32_t load(const void *x, int32_t kind, int32_t i)
{
    switch (kind) {
    case 1:
        return ((const int8_t *)x)[i];
    case 2:
        return ((const int16_t *)x)[i];
    default:
        return ((const int32_t *)x)[i];
    }
}

/* Truncated; what is out of range saturates and not-a-number is nought, as Arm's cores convert. */
static int32_t truncate(float v)
{
    if (v >= 2147483648.0f) {
        return INT32_MAX;
    }
    return v < -2147483648.0f ? INT32_MIN : v == v ? (int32_t)v : 0;
}

static void store(void *y, int32_t kind, int32_t i, int32_t v)
{
    switch (kind) {
    case 1:
        ((int8_t *)y)[i] = (int8_t)v;
        break;
    case 2:
        ((int16_t *)y)[i] = (int16_t)v;
        break;
    default:
        ((int32_t *)y)[i] = v;
        break;
    }
}

void eq_cast(const struct eq_cast *layer, const void *x, void *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        if (layer->to == 0) {
            ((float *)y)[i] = (float)load(x, layer->from, i);
        } else if (layer->from == 0) {
            store(y, layer->to, i, truncate(((const float *)x)[i]));
        } else {
            store(y, layer->to, i, load(x, layer->from, i));
        }
    }
}
