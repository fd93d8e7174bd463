#include "eq_dsp_transposed.h"

#include "eq_dsp_border.h"

/* Widens `pixels` windows whose rows are `row` bytes apart. */
static void widen(const struct eq_window *g, const int8_t *x, int32_t row, int32_t pixels,
                  int32_t *wide)
{
    const int32_t run = g->kernel_w * g->in_c;
    const struct eq_dsp_runs runs = {g->kernel_h, run / 4, row, run & 3};
    eq_dsp_widen(&runs, x, pixels, g->in_c, wide, wide + 8 * runs.quads * runs.count);
}

/* A row of outputs. Where it has four, the last tile begins inside the one before. */
static void make_row(const struct eq_dsp_transposed *l, const int8_t *x, int32_t row, int32_t *wide,
                     int8_t *bytes, int8_t *y)
{
    const struct eq_window *g = &l->window;
    const int32_t in_row = g->in_w * g->in_c, pixels = g->out_w < 4 ? g->out_w : 4;
    const int32_t columns = g->kernel_w + pixels - 1;
    const int whole = row >= 0 && row + g->kernel_h <= g->in_h;
    int32_t left, ox, column;
    for (left = g->out_w; left > 0; left -= 4) {
        ox = g->out_w - (left < pixels ? pixels : left);
        column = ox - g->pad_w;
        if (whole && column >= 0 && column + columns <= g->in_w) {
            widen(g, x + row * in_row + column * g->in_c, in_row, pixels, wide);
        } else {
            eq_dsp_border(g, l->in_zero, x, row, column, g->kernel_h, 1, columns, bytes);
            widen(g, bytes, columns * g->in_c, pixels, wide);
        }
        eq_dsp_tile(&l->matrix, wide, pixels, y + ox * l->matrix.outputs);
    }
}

void eq_dsp_transposed(const struct eq_dsp_transposed *layer, const int8_t *x, int8_t *scratch,
                       int8_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy;
    y += layer->first;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            make_row(layer, x, oy - g->pad_h, (int32_t *)(void *)scratch,
                     scratch + 16 * layer->matrix.steps, y + oy * layer->row);
        }
        x += g->in_h * g->in_w * g->in_c;
        y += layer->image;
    }
}
