#include "eq_mve_dense.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_matrix.h"

void eq_mve_dense(const struct eq_mve_dense *layer, const int8_t *x, int8_t *y)
{
    const struct eq_mve_matrix m = {layer->depth, layer->outputs, layer->weights, &layer->out};
    int32_t r;
    if (layer->rows == 1) {
        eq_mve_row(&m, x, y);
        return;
    }
    for (r = 0; r < layer->rows; r += 2) {
        const int32_t next = r + 1 < layer->rows;
        eq_mve_rows(&m, x, x + next * m.depth, y, y + next * m.outputs);
        x += 2 * m.depth;
        y += 2 * m.outputs;
    }
}
#endif
