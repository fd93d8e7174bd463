#include "eq_coded_scaling.h"
#include "eq_coded_small.h"

void eq_coded_small_dense(const struct eq_coded_small_dense *layer, int8_t *scratch,
                          const int8_t *x, int8_t *y)
{
    const struct eq_small_dense *const dense = &layer->dense;
    struct eq_small_dense part = *dense;
    int32_t o, r;
    part.rows = 1;
    part.weights = (const uint8_t *)scratch;
    for (o = 0; o < dense->outputs; o += layer->chunk) {
        part.outputs = dense->outputs - o < layer->chunk ? dense->outputs - o : layer->chunk;
        part.scaling = eq_scaling_from(&dense->scaling, o);
        part.out = eq_output_from(&dense->out, o);
        eq_decode(&layer->weights, o / 4, (part.outputs + 3) / 4, scratch);
        for (r = 0; r < dense->rows; r++) {
            eq_small_dense(&part, x + r * dense->depth, y + r * dense->outputs + o);
        }
    }
}
