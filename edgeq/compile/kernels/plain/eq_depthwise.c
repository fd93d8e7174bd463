#include "eq_depthwise.h"

/* The folded bias plus the window of one channel; taps outside the input read the zero point. */
static int32_t border_sum(const struct eq_depthwise *d, const int8_t *x, const int8_t *w,
                          int32_t row, int32_t column, int32_t acc)
{
    const struct eq_window *g = &d->window;
    int32_t ky, kx;
    for (ky = 0; ky < g->kernel_h; ky++) {
        const int32_t i = row + ky * g->dilation_h;
        const int row_inside = i >= 0 && i < g->in_h;
        for (kx = 0; kx < g->kernel_w; kx++) {
            const int32_t j = column + kx * g->dilation_w;
            const int inside = row_inside && j >= 0 && j < g->in_w;
            const int32_t v = inside ? x[(i * g->in_w + j) * g->in_c] : d->in_zero;
            acc += v * *w++;
        }
    }
    return acc;
}

static int32_t inside_sum(const struct eq_window *g, const int8_t *x, const int8_t *w, int32_t acc)
{
    const int32_t row = g->dilation_h * g->in_w * g->in_c, tap = g->dilation_w * g->in_c;
    int32_t ky, kx;
    for (ky = 0; ky < g->kernel_h; ky++) {
        const int8_t *v = x + ky * row;
        for (kx = 0; kx < g->kernel_w; kx++) {
            acc += *v * *w++;
            v += tap;
        }
    }
    return acc;
}

static void depthwise_pixel(const struct eq_depthwise *d, const struct eq_output *q,
                            const int8_t *x, int32_t row, int32_t column, int8_t *y)
{
    const struct eq_window *g = &d->window;
    const int32_t taps = g->kernel_h * g->kernel_w, copies = g->out_c / g->in_c;
    const int inside = row >= 0 && row + (g->kernel_h - 1) * g->dilation_h < g->in_h
                       && column >= 0 && column + (g->kernel_w - 1) * g->dilation_w < g->in_w;
    const int8_t *w = d->weights;
    int32_t c, copy, o = 0;
    for (c = 0; c < g->in_c; c++) {
        for (copy = 0; copy < copies; copy++) {
            const int32_t a =
                inside ? inside_sum(g, x + (row * g->in_w + column) * g->in_c + c, w, q->bias[o])
                       : border_sum(d, x + c, w, row, column, q->bias[o]);
            y[o] = eq_finish(q, a, o);
            w += taps;
            o++;
        }
    }
}

void eq_depthwise(const struct eq_depthwise *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                depthwise_pixel(layer, &layer->out, x, oy * g->stride_h - g->pad_h,
                                ox * g->stride_w - g->pad_w, y);
                y += g->out_c;
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
