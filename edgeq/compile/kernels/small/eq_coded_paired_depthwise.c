#include "eq_coded_small.h"

void eq_coded_paired_depthwise(const struct eq_coded_paired_depthwise *layer, int8_t *scratch,
                               const int8_t *x, int8_t *y)
{
    struct eq_paired_depthwise part = layer->depthwise;
    const int32_t channels = part.window.in_c;
    const int32_t bytes = (channels * eq_codes_row(&layer->weights) + 3) & ~3;
    part.weights = scratch;
    eq_decode(&layer->weights, 0, channels, scratch);
    eq_paired_depthwise(&part, scratch + bytes, x, y);
}
