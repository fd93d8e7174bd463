/* QUANTIZE from and DEQUANTIZE to float32, at the edges of a model. */
#ifndef EQ_FLOAT_H
#define EQ_FLOAT_H

#include <stdint.h>

#include "eq_names.h"

/* real = scale * (q - zero) */
struct eq_float {
    int32_t count;
    float scale;
    int32_t zero;
};

void eq_quantize(const struct eq_float *layer, const float *x, int8_t *y);
void eq_dequantize(const struct eq_float *layer, const int8_t *x, float *y);
void eq_dequantize_u8(const struct eq_float *layer, const uint8_t *x, float *y);

#endif
