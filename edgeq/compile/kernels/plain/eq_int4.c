#include "eq_int4.h"

/* The part of a window that lies inside the input: `rows` x `taps` runs of `run` channels. */
struct patch {
    const int8_t *x;
    const int8_t *w;
    int32_t rows, taps, run;
    int32_t x_row, x_tap;
    int32_t w_row, w_tap;
};

/* `count` weights from the one of index `first` on. */
EQ_APART static void unpack(const int8_t *packed, int32_t first, int32_t count, int8_t *w)
{
    int32_t i;
    for (i = first; i < first + count; i++) {
        const uint32_t two = (uint8_t)packed[i >> 1];
        *w++ = (int8_t)((int32_t)(((i & 1 ? two >> 4 : two) & 15u) ^ 8u) - 8);
    }
}

EQ_APART static int32_t dot(const struct patch *p, int32_t acc)
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

/* Weights whose taps lie outside the input: there it reads the zero point. */
static int32_t outside_sum(const struct eq_int4 *layer, const int8_t *w, struct eq_span ky,
                           struct eq_span kx)
{
    const struct eq_window *g = &layer->window;
    int32_t sum = 0, i, j, k;
    for (i = 0; i < g->kernel_h; i++) {
        for (j = 0; j < g->kernel_w; j++) {
            const int inside = i >= ky.first && i < ky.end && j >= kx.first && j < kx.end;
            for (k = 0; !inside && k < layer->depth; k++) {
                sum += w[k];
            }
            w += layer->depth;
        }
    }
    return sum;
}

static int32_t window_sum(const struct eq_int4 *layer, const int8_t *x, const int8_t *w,
                          int32_t row, int32_t column, int32_t acc)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, g->dilation_h, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, g->dilation_w, g->kernel_w, g->in_w);
    const int32_t width = kx.end - kx.first;
    const int joined = g->dilation_w == 1 && layer->depth == g->in_c;
    struct patch p;
    p.x_row = g->dilation_h * g->in_w * g->in_c;
    p.w_row = g->kernel_w * layer->depth;
    p.x_tap = g->dilation_w * g->in_c;
    p.w_tap = layer->depth;
    p.rows = ky.end - ky.first;
    p.taps = joined ? 1 : width;
    p.run = joined ? width * layer->depth : layer->depth;
    p.x = x + (row * g->in_w + column) * g->in_c + ky.first * p.x_row + kx.first * p.x_tap;
    p.w = w + ky.first * p.w_row + kx.first * p.w_tap;
    if (p.rows < g->kernel_h || width < g->kernel_w) {
        acc += layer->in_zero * outside_sum(layer, w, ky, kx);
    }
    return dot(&p, acc);
}

/* Output channel `o` of one image, whose weights are `w`. */
static void output_channel(const struct eq_int4 *layer, const int8_t *x, const int8_t *w,
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

void eq_int4(const struct eq_int4 *layer, const int8_t *x, int8_t *row, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int32_t count = g->kernel_h * g->kernel_w * layer->depth;
    const int32_t image = g->in_h * g->in_w * g->in_c, result = g->out_h * g->out_w * g->out_c;
    int32_t o, n;
    for (o = 0; o < g->out_c; o++) {
        unpack(layer->weights, o * count, count, row);
        for (n = 0; n < g->batch; n++) {
            output_channel(layer, x + n * image, row, o, y + n * result);
        }
    }
}
