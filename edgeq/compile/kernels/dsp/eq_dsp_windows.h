/* A CONV_2D of any tiles of four pixels. Who includes this defines EQ_DSP_MAKE_TILE as a function

       void make_tile(const struct eq_dsp_conv *layer, const int32_t *x, int32_t pixels, int8_t *y)

   that makes the outputs of at most four pixels widened at `x`. */
#ifndef EQ_DSP_WINDOWS_H
#define EQ_DSP_WINDOWS_H

#include "eq_dsp_border.h"
#include "eq_dsp_conv.h"

#ifdef EQ_DSP_MAKE_TILE

/* A layer in the making: its window in bytes, and the memory of a tile. */
struct eq_dsp_work {
    const struct eq_dsp_conv *layer;
    int32_t in_row, next, reach;
    int32_t *wide;
    int8_t *bytes;
};

/* Widens `pixels` windows whose first is at `x`, and whose rows are `row` bytes apart. */
static void eq_dsp_widen_windows(const struct eq_dsp_work *w, const int8_t *x, int32_t row,
                                 int32_t pixels, int32_t *to)
{
    const struct eq_window *g = &w->layer->window;
    const int32_t depth = g->in_c, taps = g->kernel_w;
    if (g->dilation_w == 1) {
        const int32_t run = taps * depth;
        const struct eq_dsp_runs runs = {g->kernel_h, run / 4, row, run & 3};
        eq_dsp_widen(&runs, x, pixels, w->next, to, to + 8 * runs.quads * runs.count);
    } else {
        const struct eq_dsp_runs runs = {taps, depth / 4, g->dilation_w * depth, depth & 3};
        int32_t *rest = to + 8 * runs.quads * taps * g->kernel_h;
        int32_t ky;
        for (ky = 0; ky < g->kernel_h; ky++) {
            eq_dsp_widen(&runs, x + ky * row, pixels, w->next, to, rest);
            to += 8 * runs.quads * taps;
            rest += 4 * eq_dsp_tails(&runs);
        }
    }
}

/* One image. `filled` pixels of a tile are there already; returns how many are left over. */
static int32_t eq_dsp_image(const struct eq_dsp_work *w, const int8_t *x, int32_t filled,
                            int8_t **y)
{
    const struct eq_window *g = &w->layer->window;
    const struct eq_dsp_matrix *m = &w->layer->matrix;
    int32_t oy, ox, pixels;
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        const int whole = row >= 0 && row + (g->kernel_h - 1) * g->dilation_h < g->in_h;
        for (ox = 0; ox < g->out_w; ox += pixels) {
            const int32_t column = ox * g->stride_w - g->pad_w;
            int32_t columns;
            pixels = g->out_w - ox < 4 - filled ? g->out_w - ox : 4 - filled;
            columns = (pixels - 1) * g->stride_w + w->reach;
            if (whole && column >= 0 && column + columns <= g->in_w) {
                eq_dsp_widen_windows(w, x + row * w->in_row + column * g->in_c,
                                     g->dilation_h * w->in_row, pixels, w->wide + filled);
            } else {
                eq_dsp_border(g, w->layer->in_zero, x, row, column, g->kernel_h, g->dilation_h,
                              columns, w->bytes);
                eq_dsp_widen_windows(w, w->bytes, columns * g->in_c, pixels, w->wide + filled);
            }
            filled += pixels;
            if (filled == 4) {
                EQ_DSP_MAKE_TILE(w->layer, w->wide, 4, *y);
                *y += 4 * m->outputs;
                filled = 0;
            }
        }
    }
    return filled;
}

/* Makes a layer, tile by tile, in the memory that eq_dsp_conv.h tells of. */
EQ_DSP_INLINE void eq_dsp_windows(const struct eq_dsp_conv *layer, const int8_t *x, int8_t *scratch,
                                  int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_dsp_work w = {
        layer,
        g->in_w * g->in_c,
        g->stride_w * g->in_c,
        (g->kernel_w - 1) * g->dilation_w + 1,
        (int32_t *)(void *)scratch,
        scratch + 16 * layer->matrix.steps,
    };
    int32_t filled = 0, n;
    for (n = 0; n < g->batch; n++) {
        filled = eq_dsp_image(&w, x, filled, &y);
        x += g->in_h * w.in_row;
    }
    EQ_DSP_MAKE_TILE(layer, w.wide, filled, y);
}

#endif

#endif
