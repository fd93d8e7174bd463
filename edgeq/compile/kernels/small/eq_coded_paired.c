#include "eq_coded_scaling.h"
#include "eq_coded_small.h"

void eq_coded_paired(const struct eq_coded_paired *layer, int8_t *scratch, const int8_t *x,
                     int8_t *y)
{
    const struct eq_paired *const conv = &layer->conv;
    struct eq_paired part = *conv;
    int32_t o;
    part.weights = scratch;
    for (o = 0; o < conv->made; o += layer->chunk) {
        part.made = conv->made - o < layer->chunk ? conv->made - o : layer->chunk;
        part.scaling = eq_scaling_from(&conv->scaling, o);
        part.out = eq_output_from(&conv->out, o);
        eq_decode(&layer->weights, o, part.made, scratch);
        layer->kernel(&part, scratch + layer->chunk * conv->depth, x, y + o);
    }
}
