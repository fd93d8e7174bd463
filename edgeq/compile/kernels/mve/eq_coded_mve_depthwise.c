#include "eq_coded_mve.h"

#if defined(__ARM_FEATURE_MVE)
void eq_coded_mve_depthwise(const struct eq_coded_mve_depthwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch)
{
    struct eq_mve_depthwise part = layer->depthwise;
    part.weights = scratch;
    eq_mve_decode(&layer->weights, 0, (part.window.out_c + 15) / 16, scratch);
    eq_mve_depthwise(&part, x, y, scratch + layer->decoded);
}
#endif
