#include "eq_coded_mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lines.h"

/* One row of outputs, block by block. */
static void make_row(const struct eq_coded_mve_depthwise *layer, const struct eq_mve_rows *rows,
                     int8_t *y, int8_t *weights)
{
    struct eq_mve_depthwise block = layer->depthwise;
    int32_t c;
    block.weights = weights;
    for (c = 0; c < block.window.out_c; c += 16) {
        eq_mve_decode(&layer->weights, c / 16, 1, weights);
        eq_mve_depthwise_block(&block, rows, c, y);
        block.out.bias += 16;
        block.out.multiplier += 16;
        block.out.shift += 16;
    }
}

void eq_coded_mve_blocks(const struct eq_coded_mve_depthwise *layer, const int8_t *x,
                         int8_t *y, int8_t *scratch)
{
    const struct eq_mve_depthwise *const d = &layer->depthwise;
    const struct eq_window *const g = &d->window;
    int32_t n, oy;
    for (n = 0; n < g->batch; n++) {
        struct eq_mve_lines lines;
        eq_mve_open_lines(&lines, g, scratch + layer->decoded);
        for (oy = 0; oy < g->out_h; oy++) {
            const struct eq_mve_rows rows = {lines.row, g->dilation_w * g->in_c};
            eq_mve_aim_lines(&lines, g, d->in_zero, x, oy);
            make_row(layer, &rows, y, scratch);
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
#endif
