#include "eq_coded_scaling.h"
#include "eq_coded_small.h"

void eq_coded_paired_depthwise(const struct eq_coded_paired_depthwise *layer, int8_t *scratch,
                               const int8_t *x, int8_t *y)
{
    const struct eq_paired_depthwise *const whole = &layer->depthwise;
    const int32_t bytes = (layer->chunk * eq_codes_row(&layer->weights) + 3) & ~3;
    struct eq_paired_depthwise part = *whole;
    int32_t c;
    part.weights = scratch;
    for (c = 0; c < whole->made; c += layer->chunk) {
        part.made = whole->made - c < layer->chunk ? whole->made - c : layer->chunk;
        part.scaling = eq_scaling_from(&whole->scaling, c);
        part.out = eq_output_from(&whole->out, c);
        eq_decode(&layer->weights, c, part.made, scratch);
        eq_paired_depthwise(&part, scratch + bytes, x + c, y + c);
    }
}
