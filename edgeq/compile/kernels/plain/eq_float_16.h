/* QUANTIZE and DEQUANTIZE between int16 and float32, int16 or int8. */
#ifndef EQ_FLOAT_16_H
#define EQ_FLOAT_16_H

#include "eq_base.h"
#include "eq_float.h"

/* (q - in_zero) * factor + zero; `from` and `to` are the bytes of an element, 1 or 2. */
struct eq_convert_16 {
    int32_t count;
    int8_t from;
    int8_t to;
    int16_t in_zero;
    int16_t zero;
    int32_t multiplier;
    int8_t shift;
};

void eq_quantize_16(const struct eq_float *layer, const float *x, int16_t *y);
void eq_dequantize_16(const struct eq_float *layer, const int16_t *x, float *y);
void eq_convert_16(const struct eq_convert_16 *layer, const void *x, void *y);

#endif
