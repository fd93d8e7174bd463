#include "eq_rows.h"

#include "eq_taps.h"

EQ_APART static int32_t dot(const struct eq_taps *p, int32_t acc)
{
    int32_t row, tap, k;
    for (row = 0; row < p->rows; row++) {
        for (tap = 0; tap < p->taps; tap++) {
            const int8_t *const x = p->x + row * p->x_row + tap * p->x_tap;
            const int8_t *const w = p->w + row * p->w_row + tap * p->w_tap;
            for (k = 0; k < p->run; k++) {
                acc += x[k] * w[k];
            }
        }
    }
    return acc;
}

static int32_t window_sum(const struct eq_rows *layer, const int8_t *x, const int8_t *w,
                          int32_t row, int32_t column, int32_t acc)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, g->dilation_h, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, g->dilation_w, g->kernel_w, g->in_w);
    const struct eq_taps cut = eq_cut_taps(g, layer->depth, x, w, row, column, ky, kx);
    if (!eq_is_whole(g, ky, kx)) {
        acc += layer->in_zero * eq_outside_sum(g, layer->depth, w, ky, kx);
    }
    return dot(&cut, acc);
}

/* Output channel `o` of one image, whose weights are `w`. */
static void output_channel(const struct eq_rows *layer, const int8_t *x, const int8_t *w,
                           int32_t o, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int8_t *const first = x + o / layer->copies * layer->depth;
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            const int32_t acc =
                window_sum(layer, first, w, oy * g->stride_h - g->pad_h,
                           ox * g->stride_w - g->pad_w, layer->out.bias[o]);
            y[(oy * g->out_w + ox) * g->out_c + o] = eq_finish(&layer->out, acc, o);
        }
    }
}

void eq_make_channel(const struct eq_rows *layer, const int8_t *x, const int8_t *w, int32_t o,
                     int8_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        output_channel(layer, x, w, o, y);
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
