#include "eq_mve_conv.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lines.h"

/* Copies whole vectors: up to 15 bytes too many, which what comes next overwrites. */
static inline void copy_roughly(int8_t *to, const int8_t *from, int32_t count)
{
    do {
        vstrbq_s8(to, vldrbq_s8(from));
        from += 16;
        to += 16;
        count -= 16;
    } while (count > 0);
}

/* The taps of the window `at` bytes along the lines, in the order of the weights. */
static inline int8_t *gather(const struct eq_window *g, const int8_t *const *row, int32_t at,
                             int8_t *to)
{
    const int32_t run = g->dilation_w == 1 ? g->kernel_w * g->in_c : g->in_c;
    const int32_t runs = g->dilation_w == 1 ? 1 : g->kernel_w;
    int32_t i, j;
    for (i = 0; i < g->kernel_h; i++) {
        const int8_t *from = row[i * g->dilation_h] + at;
        for (j = 0; j < runs; j++) {
            copy_roughly(to, from, run);
            from += g->dilation_w * g->in_c;
            to += run;
        }
    }
    return to;
}

/* The same for rows of at most 16 bytes, without dilation. */
static int8_t *gather_short(const struct eq_window *g, const int8_t *const *row, int32_t at,
                            int8_t *to)
{
    const int32_t run = g->kernel_w * g->in_c;
    int32_t i;
    for (i = 0; i < g->kernel_h; i++) {
        vstrbq_s8(to, vldrbq_s8(row[i] + at));
        to += run;
    }
    return to;
}

static void conv_row(const struct eq_mve_conv *l, const int8_t *const *row, int8_t *y,
                     int8_t *windows)
{
    const struct eq_window g = l->window;
    const int32_t step = g.stride_w * g.in_c, depth = l->matrix.depth;
    const int is_short = g.dilation_h == 1 && g.dilation_w == 1 && g.kernel_w * g.in_c <= 16;
    int32_t ox, i;
    if (g.kernel_h == 1 && g.dilation_w == 1) {
        eq_mve_multiply(&l->matrix, row[0], step, g.out_w, y);
        return;
    }
    for (ox = 0; ox < g.out_w; ox += l->columns) {
        const int32_t rest = g.out_w - ox, count = rest < l->columns ? rest : l->columns;
        int8_t *to = windows;
        for (i = ox; i < ox + count; i++) {
            to = is_short ? gather_short(&g, row, i * step, to) : gather(&g, row, i * step, to);
        }
        eq_mve_multiply(&l->matrix, windows, depth, count, y);
        y += count * g.out_c;
    }
}

void eq_mve_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy;
    for (n = 0; n < g->batch; n++) {
        struct eq_mve_lines lines;
        int8_t *const windows = eq_mve_open_lines(&lines, g, scratch);
        for (oy = 0; oy < g->out_h; oy++) {
            eq_mve_aim_lines(&lines, g, layer->in_zero, x, oy);
            conv_row(layer, lines.row, y, windows);
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

void eq_mve_pointwise(const struct eq_mve_pointwise *layer, const int8_t *x, int8_t *y)
{
    eq_mve_multiply(&layer->matrix, x, layer->matrix.depth, layer->rows, y);
}
#endif
